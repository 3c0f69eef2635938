#!/usr/bin/perl
# Written by clmgr; clmgr services install writes it again.
#
# Answers balancers over HTTP about the MariaDB of this machine:
#   GET /write  200 where it takes writes
#   GET /read   200 where its rows are fresh enough to be read
# 404 says that it should get no new clients, 503 that it must get none.
use strict;
use warnings;
use IO::Handle;
use IO::Socket::IP;
use IPC::Open2;

my ($host, $port, $max_lag, $drain) = @ARGV;
$SIG{PIPE} = 'IGNORE';
my $listener = IO::Socket::IP->new(LocalHost => $host, LocalPort => $port, Listen => 128, ReuseAddr => 1)
	or die "cannot listen on $host port $port: $@\n";

my ($client, $to, $from);    # a mariadb that stays connected
my $fresh = 0;               # when the rows were last known to be fresh

# ask returns what the database says of itself, nothing where it does not answer.
sub ask {
	my (%said, @slaves);
	local $SIG{ALRM} = sub { die "no answer\n" };
	my $whole = eval {
		alarm 1;
		$client ||= open2($from, $to,
			'exec mariadb --no-defaults --batch --vertical --unbuffered --skip-reconnect --user=clmgr-health 2>/dev/null');
		print $to "SELECT \@\@read_only AS read_only;\nSHOW ALL SLAVES STATUS;\nSELECT 'yes' AS answered;\n";
		$to->flush;
		while (my $line = <$from>) {
			my ($name, $value) = $line =~ /^\s*(\w+): ?(.*)$/ or next;
			push @slaves, {} if $name eq 'Connection_name';
			(@slaves ? $slaves[-1] : \%said)->{$name} = $value;
			last if $name eq 'answered';
		}
		alarm 0;
		@slaves && $slaves[-1]{answered} || $said{answered};
	};
	alarm 0;
	return ($said{read_only}, @slaves) if $whole;
	if ($client) {
		kill 'KILL', $client;
		waitpid $client, 0;
		undef $client;
	}
	return;
}

# judge returns the code of an answer, and why.
sub judge {
	my ($path) = @_;
	my ($read_only, @slaves) = ask();
	return (503, 'the database does not answer') if !defined $read_only;
	return (404, 'about to stop') if -e $drain;
	return (200, 'takes writes') if $read_only =~ /^(?:0|OFF)$/;
	return (503, 'read_only') if $path eq '/write';
	return (503, 'read_only, and follows nobody') if !@slaves;
	my $lag = 0;
	for my $s (@slaves) {
		return (503, 'replication has stopped') if $s->{Slave_SQL_Running} ne 'Yes';
		my $behind = $s->{Seconds_Behind_Master};
		# Who has lost its source is as old as the last time it had it.
		$behind = time - $fresh if $behind !~ /^\d+$/;
		$lag = $behind if $behind > $lag;
	}
	$fresh = time - $lag if time - $lag > $fresh;
	return ($lag > $max_lag ? 404 : 200, "a replica, $lag s behind");
}

my %phrase = (200 => 'OK', 404 => 'Not Found', 503 => 'Service Unavailable');

while (1) {
	my $peer = $listener->accept or next;
	my $line = eval {
		local $SIG{ALRM} = sub { die "too slow\n" };
		alarm 1;
		my $l = <$peer>;
		while (defined(my $header = <$peer>)) { last if $header =~ /^\r?\n$/ }
		alarm 0;
		$l;
	};
	alarm 0;
	if (defined $line) {
		my ($path) = $line =~ m{^(?:GET|OPTIONS|HEAD) (/write|/read)[ \r\n]};
		my ($code, $why) = $path ? judge($path) : (404, 'ask for /write or /read');
		print $peer "HTTP/1.0 $code $phrase{$code}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n$why\n";
	}
	close $peer;
}
