#!/usr/bin/perl
# read_authres.pl - what a Perl reader makes of Authentication-Results fields
#
# usage: read_authres.pl spamassassin|module <fields
# One field a line on standard input, unfolded, name and all; one JSON list a line on standard
# output: [[method, result, reason or null, {property: value}], ...], or null when the reader
# throws the field away.
use strict;
use warnings;
use JSON::PP;

my %readers = (
	spamassassin => sub {
		my ($value) = @_;
		require Mail::SpamAssassin::Plugin::AuthRes;
		# Just what its parser looks at: no list of trusted ids, a place for the results.
		my $plugin = bless {}, 'Mail::SpamAssassin::Plugin::AuthRes';
		my %conf = (authres_trusted_authserv => {}, authres_ignored_authserv => {});
		my $message = { conf => \%conf, authres_parsed => {} };
		$plugin->parse_authres($message, 'Authentication-Results', $value);
		my @list;
		for my $method (sort keys %{ $message->{authres_parsed} }) {
			for my $r (@{ $message->{authres_parsed}{$method} }) {
				my %found;
				for my $type (keys %{ $r->{properties} }) {
					my $values = $r->{properties}{$type};
					$found{"$type.$_"} = $values->{$_} for keys %$values;
				}
				push @list, [ $method, $r->{result}, $r->{reason} || undef, \%found ];
			}
		}
		return \@list;
	},
	module => sub {
		my ($value) = @_;
		require Mail::AuthenticationResults::Parser;
		my $parsed = Mail::AuthenticationResults::Parser->new->parse($value);
		my @list;
		for my $entry (@{ $parsed->children }) {
			my ($reason, %found);
			for my $child (@{ $entry->children }) {
				next if ref($child) =~ /Comment/;
				if ($child->key eq 'reason') {
					$reason = $child->value;
				} else {
					$found{ $child->key } = $child->value;
				}
			}
			push @list, [ $entry->key, $entry->value, $reason, \%found ];
		}
		return \@list;
	},
);

my $read = $readers{ $ARGV[0] // '' } or die "usage: read_authres.pl spamassassin|module\n";
my $json = JSON::PP->new->canonical;
while (my $line = <STDIN>) {
	chomp $line;
	$line =~ s/^Authentication-Results:\s*//;
	my $list = eval { $read->($line) };
	print STDERR $@ if $@;
	print $json->allow_nonref->encode($list), "\n";
}
