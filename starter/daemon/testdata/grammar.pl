# Reads values of start_server's options, one a line as "OPTION HEX", and
# writes what Server::Starter makes of each: "error", or what it would do.
# The calls that act are replaced before the module is compiled.
use strict;
use warnings;
no warnings qw(redefine once);
use Config;
use Getopt::Long qw(GetOptionsFromArray);
use POSIX ();
use Socket;

my ($kind, $to, $pin);
BEGIN {
    *CORE::GLOBAL::socket = sub (*$$$) { $kind = $_[2]; CORE::socket($_[0], PF_UNIX, SOCK_STREAM, 0) };
    *CORE::GLOBAL::bind   = sub (*$) { $to = $_[1]; 1 };
    *CORE::GLOBAL::unlink = sub (@) { 1 };
    *CORE::GLOBAL::listen = sub (*$) { 1 };
    # Names are not looked up: each has one address.
    *CORE::GLOBAL::gethostbyname = sub (_) {
        return $_[0] =~ /\A[0-9.]+\z/ ? inet_aton($_[0]) : $_[0] =~ /\A(?!.*0x)[a-zA-Z0-9.-]+\z/i ? inet_aton('203.0.113.1') : undef;
    };
    *POSIX::dup2 = sub { $pin = $_[1]; 1 };
}
use Server::Starter;
*Server::Starter::_set_sighandler = sub { die "parsed\n" };

my @names = split ' ', $Config{sig_name};
my @numbers = split ' ', $Config{sig_num};
my %number = map { $names[$_] => $numbers[$_] } 0 .. $#names;

$SIG{__WARN__} = sub { };
open STDERR, '>', '/dev/null' or die;
while (my $line = <STDIN>) {
    my ($option, $hex) = $line =~ /^(\S+) (\S*)$/ or exit 1;
    print parse($option, pack 'H*', $hex), "\n";
}

sub parse {
    my ($option, $value) = @_;
    return port($value) if $option eq 'port';
    return path($value) if $option eq 'path';
    return signal($value) if $option eq 'signal-on-hup';
    my $got;
    eval { GetOptionsFromArray(["--$option=$value"], "$option=i" => \$got) } or return 'error';
    return 'ok ' . (0 + $got);
}

sub port {
    undef $pin;
    my @value = (shift);
    eval { Server::Starter::start_server(port => \@value, exec => ['true']) };
    return 'error' unless $@ eq "parsed\n";
    my $family = sockaddr_family($to);
    my ($port, $ip) = $family == AF_INET ? unpack_sockaddr_in($to) : Socket::unpack_sockaddr_in6($to);
    my ($key) = $ENV{SERVER_STARTER_PORT} =~ /\A(.*)=\d+\z/s;
    return join ' ', 'ok', $kind == SOCK_STREAM ? 'stream' : 'dgram', unpack('H*', $ip), $port, defined $pin ? 0 + $pin : '-', unpack('H*', $key);
}

sub path {
    my $path = shift;
    eval { Server::Starter::start_server(path => [$path], exec => ['true']) };
    return 'error' unless $@ eq "parsed\n";
    my ($key) = $ENV{SERVER_STARTER_PORT} =~ /\A(.*)=\d+\z/s;
    return join ' ', 'ok', map { unpack 'H*', $_ } Socket::unpack_sockaddr_un($to), $key;
}

# The first three lines are start_server's, the others those of doio.c for
# kill: a name, or what is left is a number.
sub signal {
    my $sig = shift || 'TERM';
    $sig =~ tr/a-z/A-Z/;
    $sig =~ s/^SIG//i;
    if ($sig =~ /^-?[A-Z]/) {
        $sig =~ s/^-?(?:SIG)?//;
        return exists $number{$sig} ? "ok $number{$sig}" : 'error';
    }
    no warnings;
    return 'ok ' . int $sig;
}
