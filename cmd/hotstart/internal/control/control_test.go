package control

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// quiet is a hotstart that answers at once.
type quiet struct {
	events, lines *Feed
	instance      Instance
}

func newQuiet() *quiet { return &quiet{events: NewFeed(1 << 10), lines: NewFeed(1 << 10)} }

func (q *quiet) Status(context.Context) (Status, error) {
	return Status{Instance: q.instance, State: Serving, Serving: &Worker{Generation: 3, PID: 4711}}, nil
}

func (q *quiet) Wait(context.Context) (Result, error) {
	return Result{Outcome: Served, State: Serving}, nil
}

func (q *quiet) Reload(_ context.Context, r Reload) (Result, error) {
	return Result{Outcome: Accepted}, nil
}
func (q *quiet) Stop(context.Context) error { return nil }
func (q *quiet) Events() Source             { return q.events }
func (q *quiet) Lines() (Source, error)     { return q.lines, nil }

// serve serves a hotstart at a place, with the user's folder in a temporary one.
func serve(t *testing.T, p Place, of Controlled) *Listener {
	t.Helper()
	l, err := Listen(p)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(of, nil)
	s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l
}

// ownRuntimeDir gives the test a folder for sockets of its own. Its path is short: that
// of a socket has room for 103 bytes.
func ownRuntimeDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hs-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	return dir
}

// A hotstart that fails soon after its start leaves no socket, and no folder for it.
func TestServerThatEndsAtOnceLeavesNothing(t *testing.T) {
	dir := ownRuntimeDir(t)
	for range 200 {
		l, err := Listen(Place{Dir: "/project"})
		if err != nil {
			t.Fatal(err)
		}
		s := NewServer(newQuiet(), nil)
		s.Serve(l)
		s.Close()
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Fatalf("%v is left, %v", left, err)
		}
	}
}

func TestProjectIsFoundFromItsFolders(t *testing.T) {
	dir := ownRuntimeDir(t)
	project := t.TempDir()
	below := filepath.Join(project, "cmd", "api")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	l := serve(t, Place{Dir: project}, newQuiet())
	for path, want := range map[string]os.FileMode{l.Path: 0o600, filepath.Join(dir, "hotstart"): 0o700} {
		if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has the mode %v, %v; want %v", path, info.Mode().Perm(), err, want)
		}
	}
	for _, from := range []string{project, below} {
		c, err := Find(Place{Dir: from})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := c.Status(t.Context()); err != nil || s.State != Serving || s.Serving.Generation != 3 {
			t.Errorf("from %s: %+v, %v", from, s, err)
		}
	}
	var none *NotRunningError
	if _, err := Find(Place{Dir: filepath.Dir(project)}); !errors.As(err, &none) {
		t.Errorf("above the project: %v", err)
	}
}

func TestSecondListenerNamesTheFirst(t *testing.T) {
	ownRuntimeDir(t)
	serve(t, Place{Name: "api"}, newQuiet())
	var taken *InUseError
	if _, err := Listen(Place{Name: "api"}); !errors.As(err, &taken) || taken.PID != os.Getpid() {
		t.Errorf("got %v", err)
	}
	l, err := Listen(Place{Name: "worker"})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// failing is a hotstart that can't do what it is asked.
type failing struct {
	*quiet
	err error
}

func (f failing) Status(context.Context) (Status, error)         { return Status{}, f.err }
func (f failing) Wait(context.Context) (Result, error)           { return Result{}, f.err }
func (f failing) Reload(context.Context, Reload) (Result, error) { return Result{}, f.err }
func (f failing) Stop(context.Context) error                     { return f.err }

func TestARequestThatFailsIsAnError(t *testing.T) {
	c := client(t, failing{newQuiet(), errors.New("broken")})
	_, status := c.Status(t.Context())
	_, wait := c.Wait(t.Context(), time.Second)
	_, reload := c.Reload(t.Context(), Reload{}, time.Second)
	for name, err := range map[string]error{"status": status, "wait": wait, "reload": reload, "stop": c.Stop(t.Context())} {
		if err == nil || err.Error() != "broken" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAHotstartThatEndsHasNoStatus(t *testing.T) {
	c := client(t, failing{newQuiet(), ErrEnds})
	if s, err := c.Status(t.Context()); err == nil {
		t.Errorf("status: %+v", s)
	}
	if r, err := c.Wait(t.Context(), time.Second); err != nil || r.Outcome != Ends {
		t.Errorf("wait: %+v, %v", r, err)
	}
	if r, err := c.Reload(t.Context(), Reload{}, time.Second); err != nil || r.Outcome != Ends {
		t.Errorf("reload: %+v, %v", r, err)
	}
}

// client returns a client of a hotstart.
func client(t *testing.T, of Controlled) *Client {
	t.Helper()
	ownRuntimeDir(t)
	serve(t, Place{Name: "api"}, of)
	c, err := Find(Place{Name: "api"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A hotstart that was killed leaves its socket and its lock file.
func TestSocketOfADeadOneIsReplaced(t *testing.T) {
	dir := ownRuntimeDir(t)
	l, err := Listen(Place{Name: "api"})
	if err != nil {
		t.Fatal(err)
	}
	l.UnixListener.Close()
	l.lock.Close()
	if left, _ := filepath.Glob(filepath.Join(dir, "hotstart", "*")); len(left) != 2 {
		t.Fatalf("left: %q", left)
	}
	serve(t, Place{Name: "api"}, newQuiet())
	c, err := Find(Place{Name: "api"})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := c.Wait(t.Context(), time.Second); err != nil || r.Outcome != Served {
		t.Errorf("got %+v, %v", r, err)
	}
}

// Where none runs, the error names one that runs elsewhere.
func TestNotRunningNamesAnother(t *testing.T) {
	ownRuntimeDir(t)
	t.Setenv("TMPDIR", t.TempDir())
	q := newQuiet()
	_, err := Find(Place{Name: "web"})
	var none *NotRunningError
	if !errors.As(err, &none) || none.Error() != `no hotstart with the name "web" runs` {
		t.Errorf("got %v", err)
	}
	q.instance = Instance{PID: 4711, Mode: Run, Dir: "/srv", Name: "api", Began: time.Now().Add(time.Hour)} // the newest of this user
	serve(t, Place{Name: "api"}, q)
	_, err = Find(Place{Name: "web"})
	if !errors.As(err, &none) || none.Hint() != "hotstart run --name=web -- ./program (--name=api: the hotstart run in /srv)" {
		t.Errorf("got %v, %q", err, none.Hint())
	}
}

// A client finds the socket in /tmp, whatever its TMPDIR is.
func TestOtherFolderForTemporaryFiles(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("TMPDIR", "/tmp")
	found := func() bool {
		return slices.ContainsFunc(folders(), func(c candidate) bool { return filepath.Dir(c.path) == "/tmp" })
	}
	if !found() {
		t.Errorf("got %v", folders())
	}
	t.Setenv("TMPDIR", "/nowhere")
	if !found() {
		t.Errorf("got %v", folders())
	}
}

// A hotstart that a signal has stopped does not answer.
func TestDeafHotstart(t *testing.T) {
	ownRuntimeDir(t)
	l, err := Listen(Place{Name: "api"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := Find(Place{Name: "api"})
	if err != nil {
		t.Fatal(err)
	}
	c.Patience = 50 * time.Millisecond
	_, err = c.Wait(t.Context(), 10*time.Millisecond)
	var deaf *DeafError
	if !errors.As(err, &deaf) || deaf.PID != os.Getpid() || deaf.Hint() == "" {
		t.Errorf("got %v", err)
	}
	if _, err = c.Status(t.Context()); !errors.As(err, &deaf) {
		t.Errorf("got %v", err)
	}
	for _, err := range c.Logs(t.Context(), 1, true) {
		if !errors.As(err, &deaf) {
			t.Errorf("got %v", err)
		}
	}
}
