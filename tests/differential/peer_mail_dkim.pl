#!/usr/bin/perl
#
# Answers of Mail::DKIM: one line of JSON for each case, {"dkim": [bool, ...], "arc": word}.
#
use strict;
use warnings;

use JSON::PP;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Net::DNS;

my $folder = shift;
$| = 1;
my $zone = read_json("$folder/keys.json");
my %failing = map { $_ => 1 } @{ $zone->{failing} };

sub read_file {
	my $path = shift;
	open my $in, '<:raw', $path or die "$path: $!";
	local $/;
	return scalar <$in>;
}

sub read_json {
	return JSON::PP->new->utf8->decode(read_file(shift));
}

# What its own look-up answers: records, or none, or it dies.
no warnings 'redefine';
*Mail::DKIM::DNS::query = sub {
	my ($name) = @_;
	$name = lc $name;
	$name =~ s/\.$//;
	die "DNS error: SERVFAIL\n" if $failing{$name};
	my $records = $zone->{records}{$name};
	if (!$records) {
		$@ = 'NXDOMAIN';
		return;
	}
	$@ = 'NOERROR';
	return map { text_record($name, $_) } @$records;
};

sub text_record {
	my ($name, $text) = @_;
	my @strings = unpack('(a255)*', $text);
	return Net::DNS::RR->new(owner => 'x.example', type => 'TXT', txtdata => \@strings);
}

# Its answers come in the order of the message, but signatures that it cannot read leave no trace:
# each is looked at in a message of its own, with the others out of its sight.
sub signatures {
	my ($message, $count) = @_;
	return [] if !$count;
	my @results = results($message);
	return [ map { $_ eq 'pass' ? JSON::PP::true : JSON::PP::false } @results ]
		if @results == $count;
	return [ JSON::PP::false ] if $count == 1;
	return [ map { one_signature($message, $_) } 0 .. $count - 1 ];
}

sub one_signature {
	my ($message, $wanted) = @_;
	my $number = 0;
	my ($header, $body) = split /\r\n\r\n/, $message, 2;
	$header =~ s/^(DKIM-Signature)(?=:)/$number++ == $wanted ? $1 : "X-$1"/gime;
	my @results = results("$header\r\n\r\n$body");
	return @results == 1 && $results[0] eq 'pass' ? JSON::PP::true : JSON::PP::false;
}

# It knows DomainKeys too, which nobody asks for.
sub results {
	my @signatures = @{ verify('Mail::DKIM::Verifier', shift)->{signatures} };
	return map { $_->result // '' } grep { !$_->isa('Mail::DKIM::DkSignature') } @signatures;
}

sub verify {
	my ($class, $message) = @_;
	my $verifier = $class->new(Strict => 1);
	eval { $verifier->PRINT($message); $verifier->CLOSE; 1 }
		or $verifier->{signatures} = [];
	return $verifier;
}

sub chain {
	my $result = verify('Mail::DKIM::ARC::Verifier', shift)->{result};
	return 'fail' if !defined $result || $result eq 'invalid';
	return $result;
}

$SIG{__WARN__} = sub { };
for my $case (@{ read_json("$folder/cases.json") }) {
	if (grep { $_ eq 'mail_dkim' } @{ $case->{slow_for} }) {
		print "{}\n";
		next;
	}
	my $message = read_file($case->{file});
	my %answer = (dkim => signatures($message, scalar @{ $case->{want} }));
	$answer{arc} = chain($message) if $case->{arc};
	print JSON::PP->new->canonical->encode(\%answer), "\n";
}
