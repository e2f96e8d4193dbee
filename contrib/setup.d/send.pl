#!/usr/bin/perl
# send.pl - hand one message to this host's port 25: send.pl CLIENT-ADDRESS HELO RECIPIENT < message
#
# From <>. Prints the last reply; exits with 0 when the message was accepted, 1 when it was refused,
# 2 when nobody answered. Core modules only, so that it runs on a host without anything.
use strict;
use warnings;
use IO::Socket::IP;

my ($client, $helo, $recipient) = @ARGV;
my $loopback = $client =~ /:/ ? '::1' : '127.0.0.1';
my ($smtp, $why);
$SIG{ALRM} = sub { finish(2, "no reply within 60 s") };

sub finish
{
	my ($status, $text) = @_;
	print "$text\n";
	exit $status;
}

# The reply to one command; its last line.
sub reply
{
	alarm 60;
	while (my $line = <$smtp>) {
		$line =~ s/\r?\n\z//;
		return $line if $line =~ /^\d{3}(?: |\z)/;
	}
	finish(2, "the connection was closed");
}

# Says a command, and stops where the answer is none of the class wanted.
sub say_to
{
	my ($command, $want) = @_;
	print $smtp "$command\r\n" if defined $command;
	my $line = reply();
	return $line if $line =~ /^$want/;
	print $smtp "QUIT\r\n";
	finish(1, $line);
}

# Postfix may listen on the address itself, or on loopback alone.
for my $peer ($client, $loopback) {
	$smtp = IO::Socket::IP->new(PeerHost => $peer, PeerPort => 25, LocalHost => $client,
		Type => SOCK_STREAM, Timeout => 10);
	last if $smtp;
	$why = $@;
}
finish(2, $why) unless $smtp;
$smtp->autoflush(1);
say_to(undef, 2);
say_to("EHLO $helo", 2);
say_to('MAIL FROM:<>', 2);
say_to("RCPT TO:<$recipient>", 2);
say_to('DATA', 3);
while (my $line = <STDIN>) {
	chomp $line;
	$line =~ s/^\./../;
	print $smtp "$line\r\n";
}
my $last = say_to('.', 2);
print $smtp "QUIT\r\n";
finish(0, $last);
