#!/usr/bin/perl
# Written by clmgr; clmgr services install writes it again.
#
# Answers balancers over HTTP about the MariaDB of this machine:
#   GET /write  200 where it takes writes
#   GET /read   200 where its rows are fresh enough to be read
# 404 says that it should get no new clients, 503 that it must get none. Who stops and
# starts it asks whether that has come through to all who ask for these two:
#   GET /drained  200 once all have been told that it is about to stop
#   GET /joined   200 once all who ask for /read have been told 200 twice
use strict;
use warnings;
use Errno;
use IO::Handle;
use IO::Select;
use IO::Socket::IP;
use IPC::Open2;
use Time::HiRes qw(stat time);

my ($host, $port, $max_lag, $drain, $at) = @ARGV;
$at //= ''; # where the database listens, for its clients
$SIG{PIPE} = 'IGNORE';
my $listener = IO::Socket::IP->new(LocalHost => $host, LocalPort => $port, Listen => 128, ReuseAddr => 1)
	or die "cannot listen on $host port $port: $@\n";
$listener->blocking(0);

my ($client, $to, $from);    # a mariadb that stays connected
my $fresh = 0;               # when the rows were last known to be fresh
my %asks;                    # who asks for what: when last, how often, of which drain it was told, how many 200 in a row

# ask returns what the database says of itself, nothing where it does not answer.
sub ask {
	my (%said, @slaves);
	local $SIG{ALRM} = sub { die "no answer\n" };
	my $whole = eval {
		alarm 1;
		$client ||= open2($from, $to,
			"exec mariadb --no-defaults $at --batch --vertical --unbuffered --skip-reconnect --user=clmgr-health 2>/dev/null");
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
	if ($read_only =~ /^(?:0|OFF)$/) {
		$fresh = time;
		return (200, 'takes writes');
	}
	return (503, 'read_only') if $path eq '/write';
	# Who stands still, or has lost its source, is as old as the last time it had all.
	my ($lag, $age, $still) = (0, int(time - $fresh), @slaves ? '' : 'read_only, and follows nobody');
	for my $s (@slaves) {
		my $behind = $s->{Seconds_Behind_Master};
		$behind = $age if $behind !~ /^\d+$/;
		$lag = $behind if $behind > $lag;
		$still = 'replication has stopped' if $s->{Slave_SQL_Running} ne 'Yes';
	}
	return $age > $max_lag ? (503, $still) : (200, "$still; it had all $age s ago") if $still;
	$fresh = time - $lag if time - $lag > $fresh;
	return ($lag > $max_lag ? 404 : 200, "a replica, $lag s behind");
}

# flag names the drain that is on; nothing where none is.
sub flag {
	my @s = stat $drain or return '';
	return "$s[1] $s[9]";
}

# asked notes that somebody asked for a path, and was told a code.
sub asked {
	my ($who, $path, $code, $flag) = @_;
	my $a = $asks{"$who $path"} //= {ok => 0};
	my $now = time;
	my $every = $a->{last} ? $now - $a->{last} : 5;
	%$a = (
		path => $path, last => $now, every => $every < 10 ? $every : 10,
		told => $code == 404 ? $flag : '', ok => $code == 200 ? $a->{ok} + 1 : 0,
	);
}

# all tells whether all who ask are as they should be. Who has not come back for twice its
# time is gone.
sub all {
	my ($what, $fine, @paths) = @_;
	return (503, 'just started: who asks is not known yet') if time < $^T + 3;
	for my $who (keys %asks) {
		my $a = $asks{$who};
		delete $asks{$who} if time > $a->{last} + 2 * $a->{every} + 2;
	}
	my @of = grep { my $p = $_->{path}; grep { $_ eq $p } @paths } values %asks;
	my $yes = grep { $fine->($_) } @of;
	return ($yes == @of ? 200 : 503, "$yes of " . @of . " $what");
}

sub drained {
	my $flag = flag() or return (503, 'no drain is on');
	return all('were told', sub { $_[0]{told} eq $flag }, '/read', '/write');
}

sub joined { return all('lead clients here', sub { $_[0]{ok} >= 2 }, '/read') }

my %phrase = (200 => 'OK', 404 => 'Not Found', 503 => 'Service Unavailable');

my %answers = ('/write' => \&judge, '/read' => \&judge, '/drained' => \&drained, '/joined' => \&joined);

# answer answers a request that is complete.
sub answer {
	my ($peer, $line) = @_;
	my ($path) = $line =~ m{^(?:GET|OPTIONS|HEAD) (/\w+)[ \r\n]};
	my ($flag, $who, $do) = (flag(), $peer->peerhost // '', $path && $answers{$path});
	my ($code, $why) = $do ? $do->($path) : (404, 'ask for /write or /read');
	asked($who, $path, $code, $flag) if $do && $do == \&judge;
	syswrite $peer, "HTTP/1.0 $code $phrase{$code}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n$why\n";
}

# Those who are connected: what they have said so far, and since when. Who takes too long, or
# too much, goes, and of very many the one that came first: nobody keeps others waiting.
my %open;
my $sockets = IO::Select->new($listener);

sub leave {
	my ($one) = @_;
	$sockets->remove($one->{peer});
	delete $open{$one->{peer}};
	close $one->{peer};
}

while (1) {
	for my $socket ($sockets->can_read(1)) {
		if ($socket == $listener) {
			my $peer = $listener->accept or next;
			$peer->blocking(0);
			$open{$peer} = {peer => $peer, said => '', since => time};
			$sockets->add($peer);
			next;
		}
		my $one = $open{$socket} or next;
		my $n = sysread $socket, $one->{said}, 4096, length $one->{said};
		next if !defined $n && ($!{EAGAIN} || $!{EINTR});
		answer($socket, $one->{said}) if $one->{said} =~ /\r?\n\r?\n/;
		leave($one) if !$n || length $one->{said} > 8192 || $one->{said} =~ /\r?\n\r?\n/;
	}
	for my $one (sort { $a->{since} <=> $b->{since} } values %open) {
		leave($one) if time > $one->{since} + 2 || keys %open > 100;
	}
}
