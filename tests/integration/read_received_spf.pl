#!/usr/bin/perl
# read_received_spf.pl - what SpamAssassin's SPF plugin makes of Received-SPF fields
#
# usage: read_received_spf.pl <fields
# One field a line on standard input, unfolded, name and all; one JSON object a line on standard
# output: {"mailfrom": result} or {"helo": result}; {} when the plugin cannot use the field.
use strict;
use warnings;
use JSON::PP;
use Mail::SpamAssassin::Plugin::SPF;

# Just what the plugin looks at: no settings, the field as that of an internal host, no DNS.
package Message {
	sub get { return @{ $_[0]{fields} } }
	sub is_dns_available { return 0 }
}

package Main {
	sub time_method { return }
}

my $json = JSON::PP->new->canonical;
while (my $line = <STDIN>) {
	my $plugin = bless { main => bless({}, 'Main') }, 'Mail::SpamAssassin::Plugin::SPF';
	my $message = bless { fields => [$line], conf => {} }, 'Message';
	my %found;
	$plugin->_check_spf($message, 0);
	for my $result (qw(pass fail softfail neutral none temperror permerror)) {
		$found{mailfrom} = $result if $message->{"spf_$result"};
		$found{helo} = $result if $message->{"spf_helo_$result"};
	}
	print $json->encode(\%found), "\n";
}
