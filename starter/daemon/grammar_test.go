package daemon

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter"
)

// A differential fuzz test with Perl's Server::Starter. A value that it accepts
// has the same meaning here, except for the differences. A value that it refuses
// is refused here, except for the extensions.
func TestTheGrammarOfStartServer(t *testing.T) {
	t.Parallel()
	if exec.Command("perl", "-MServer::Starter", "-e1").Run() != nil {
		t.Skip("perl with Server::Starter (libserver-starter-perl) is not installed")
	}
	const rounds = 20000 // half a second
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	type value struct{ option, text string }
	var values []value
	for option, g := range grammars {
		for _, text := range g.known {
			values = append(values, value{option, text})
		}
		for range rounds / len(grammars) {
			values = append(values, value{option, g.random(random)})
		}
	}
	var in bytes.Buffer
	for _, v := range values {
		fmt.Fprintf(&in, "%s %s\n", v.option, hex.EncodeToString([]byte(v.text)))
	}
	perl := exec.Command("perl", "testdata/grammar.pl")
	perl.Stdin = &in
	var why bytes.Buffer
	perl.Stderr = &why
	out, err := perl.Output()
	answers := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if err != nil || len(answers) != len(values) {
		t.Fatalf("%d answers to %d values, %v: %s", len(answers), len(values), err, why.String())
	}
	taken, wrong := map[string]int{}, 0
	for i, v := range values {
		g := grammars[v.option]
		theirs, ours := answers[i], g.parse(v.text)
		switch {
		case theirs != "error":
			if taken[v.option]++; ours == theirs || g.differences.MatchString(v.text) {
				continue
			}
		case ours == "error" || g.extensions.MatchString(v.text):
			continue
		}
		t.Errorf("--%s=%q is %s to start_server and %s here", v.option, v.text, theirs, ours)
		if wrong++; wrong == 20 {
			break
		}
	}
	for option := range grammars {
		if taken[option] < 100 {
			t.Errorf("only %d values of --%s mean something", taken[option], option)
		}
	}
	if t.Failed() {
		t.Logf("seed %d", seed)
	}
}

// A grammar is the syntax of one option.
type grammar struct {
	known       []string // values that differed once
	pieces      []string // of random ones
	longest     int      // number of pieces
	parse       func(string) string
	differences *regexp.Regexp // accepted by start_server, but refused here or with another meaning
	extensions  *regexp.Regexp // refused by start_server
}

func (g grammar) random(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(g.longest) {
		b.WriteString(g.pieces[r.IntN(len(g.pieces))])
	}
	return b.String()
}

// docs/start_server.md lists the differences and extensions, with reasons.
var grammars = map[string]grammar{
	"port": {
		known: []string{
			"80", "u80", " 80 ", "80\n", "\v80", "080", "80=3", "80 =3 ", "127.0.0.1:80", "127.1:80", "2130706433:80", "017700000001:80",
			"[127.0.0.1]:u53=7", "[localhost]:80", "::1:80", "[::1]:80", "[::1] :80", "[ ::1]:80", "127.0.0.1: u80", "0:80", "1.2.3:0",
		},
		pieces: []string{
			"80", "1", "0", "u", "=", "=3", ":", ":", ":80", " ", "\t", "[", "]", "[::1]", "::1", "::", "127.0.0.1", "127.1", "10.0.300", "0300.1",
			"256", ".", "localhost", "a-b", "fe80::1", "7", "08", "%", "\n", "\v", "x", "0x7f", "-", "/", "99999",
		},
		longest: 5,
		parse:   parsedPort,
		// start_server cuts ports above 65535 to 16 bits. Here the descriptor number
		// has a limit, and a single bracket is an error.
		differences: regexp.MustCompile(`[0-9]{5}[\s\v]*(=|$)|=\d{4,}[\s\v]*$|^[^\[]*\]|^[^\]]*\[[^\]]*$|\[[^\]]*\[`),
		// Blanks between all parts. An empty host is every address, as in Go.
		// Hexadecimal numbers and zones.
		extensions: regexp.MustCompile(`(?i)[\s\v]|^:|0x|%`),
	},
	"path": {
		known: []string{"a.sock", "/tmp/a.sock", "@a", "a b", "a=3", "a;b", "a=3;b", "./a", strings.Repeat("x", 103), strings.Repeat("x", 107), strings.Repeat("x", 108)},
		pieces: []string{
			"/", "tmp", "a", "=", "3", ";", " ", "@", ".", "\n", "\xff", "[", ":", strings.Repeat("x", 50),
		},
		longest: 6,
		parse: func(s string) string {
			a, err := starter.ParsePath(s)
			if err != nil {
				return "error"
			}
			return fmt.Sprintf("ok %x %x", a.Path, a.Key)
		},
		// start_server cuts a path that is too long for the kernel. The other paths
		// would be ambiguous in SERVER_STARTER_PORT.
		differences: regexp.MustCompile(`(?s)^.{108,}|=\d+;|^$`),
		extensions:  regexp.MustCompile(`^$a`), // nothing
	},
	"signal-on-hup": {
		known: []string{
			"TERM", "term", "SIGTERM", "sigusr1", "10", "1", "64", "CLD", "IOT", "POLL", "WINCH", "SIGSIGTERM", "0", "ZERO", "", "-TERM", "-1", "RTMIN", "NUM35", "99",
		},
		pieces:  []string{"SIG", "sig", "TERM", "usr", "USR1", "1", "2", "0", "HUP", "int", "QUIT", "-", " ", "KILL", "RT", "MIN", "NUM", "3", "CHLD", "."},
		longest: 3,
		parse:   parsedSignal,
		// In start_server, 0, ZERO and invalid numbers send nothing, and a minus
		// signals another process group than the worker's. Perl's RTMIN and NUM35
		// have numbers.
		differences: regexp.MustCompile(`(?i)^(SIG)*(-|ZERO$|NUM|RTM)|^(SIG)*0*$|^(SIG)*[^a-z0-9]|^(SIG)*\d+\D|^(SIG)*(\d{3,}|6[5-9]|[7-9]\d)$|^SIGSIG`),
		extensions:  regexp.MustCompile(`\s`),
	},
	"interval": {
		known:   []string{"1", "0", "+3", "007", "1_000", "-1", "1.5", "0x10", ""},
		pieces:  []string{"0", "1", "2", "60", "+", "-", "_", ".", "e", "s", "m", " ", "x"},
		longest: 4,
		parse:   parsedSeconds,
		// A negative time, and underscores in numbers.
		differences: regexp.MustCompile(`^-|_`),
		// Parts of a second, units, blanks.
		extensions: regexp.MustCompile(`[.esm\s]`),
	},
	"backlog": {
		known:   []string{"0", "1", "010", "128", "-1", "0x10", "1_0"},
		pieces:  []string{"0", "1", "2", "60", "+", "-", "_", ".", " ", "x"},
		longest: 4,
		parse: func(s string) string {
			n, err := ParseBacklog(s)
			if err != nil {
				return "error"
			}
			return fmt.Sprint("ok ", n)
		},
		differences: regexp.MustCompile(`^[-+]|_`),
		extensions:  regexp.MustCompile(`^$a`), // nothing
	},
}

func parsedPort(s string) string {
	a, err := starter.ParsePort(s)
	if err != nil {
		return "error"
	}
	ip, is := a.Literal()
	switch {
	case a.Host == "":
		ip = netip.IPv4Unspecified()
	case !is && !regexp.MustCompile(`^[a-zA-Z0-9.-]+$`).MatchString(a.Host):
		return "error" // not a valid name
	case !is:
		ip = netip.MustParseAddr("203.0.113.1") // as grammar.pl resolves names
	}
	pin := "-"
	if a.FD >= 0 {
		pin = strconv.Itoa(a.FD)
	}
	kind := map[string]string{"tcp": "stream", "udp": "dgram"}[a.Network[:3]]
	return fmt.Sprintf("ok %s %x %d %s %s", kind, ip.AsSlice(), a.Port, pin, hex.EncodeToString([]byte(a.Key)))
}

func parsedSignal(s string) string {
	sig, err := starter.ParseSignal(s)
	if err != nil {
		return "error"
	}
	return fmt.Sprint("ok ", int(sig))
}

func parsedSeconds(s string) string {
	d, err := ParseSeconds(s)
	if err != nil {
		return "error"
	}
	return "ok " + strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}
