//go:build e2e && linux

// Package e2e tests hotstart under load, as a user runs it: the binary, real
// builds, real processes, real sockets. Its tests take long, so they have a
// build tag:
//
//	go test -tags e2e ./cmd/hotstart/e2e -v -run Lossless -reloads 10
//	go test -tags e2e ./cmd/hotstart/e2e -v -run Chaos/watch -for 1m
//	go test -tags e2e ./cmd/hotstart/e2e -v -run ManyReloads -reloads 100
//	go test -tags e2e ./cmd/hotstart/e2e -v -run Wait -reloads 100
//	go test -tags e2e ./cmd/hotstart/e2e -v -run Fresh -reloads 500
//	go test -tags e2e ./cmd/hotstart/e2e -v -run ThirdParty/caddy
//
// Third-party programs are downloaded from the module proxy.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var (
	reloadsFlag  = flag.Int("reloads", 0, "reloads of each program; 0: the default of the test")
	clientsFlag  = flag.Int("clients", 0, "clients of each kind; 0: the default of the test")
	requestsFlag = flag.Int("requests", 0, "minimum number of requests to each program")
	chaosFlag    = flag.Duration("for", 10*time.Minute, "duration of the chaos test")
	seedFlag     = flag.Uint64("seed", 0, "seed of the chaos test; 0: a random one")
	faultsFlag   = flag.String("faults", "", "comma-separated faults of the chaos test; empty: all")
	echoFlag     = flag.Bool("echo", false, "print the output of hotstart")
	hotstartFlag = flag.String("hotstart", "", "hotstart binary to test; empty: build it")
)

// hotstart is the path of the tested binary; checkout is the root of the
// repository.
var hotstart, checkout string

// timeout bounds each wait of a test.
const timeout = time.Minute

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "6") // tests in parallel wait for most of their time
	flag.Parse()
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	if checkout, err = filepath.Abs("../../.."); err != nil {
		return 0, err
	}
	hotstart = *hotstartFlag
	if hotstart == "" {
		dir, err := os.MkdirTemp("", "hotstart-e2e-")
		if err != nil {
			return 0, err
		}
		defer os.RemoveAll(dir)
		hotstart = filepath.Join(dir, "hotstart")
		if out, err := exec.Command("go", "build", "-o", hotstart, "..").CombinedOutput(); err != nil {
			return 0, fmt.Errorf("building hotstart: %w\n%s", err, out)
		}
	}
	return m.Run(), nil
}
