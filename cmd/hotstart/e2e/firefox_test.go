//go:build e2e && linux

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// firefox is a browser that is controlled by Marionette, the protocol of its own tests: messages with their length,
// [0, id, command, parameters] and [1, id, error, result] (firefox-source-docs.mozilla.org/testing/marionette). One tab
// at a time is visible.
type firefox struct {
	conn net.Conn
	in   *bufio.Reader
	id   int
}

type firefoxTab struct {
	*firefox
	handle string
}

func startFirefox(t *testing.T) browser {
	t.Helper()
	path, err := exec.LookPath("firefox-esr")
	if err != nil {
		t.Skip("needs firefox-esr, a package of Debian's")
	}
	profile := t.TempDir()
	// Port 0 is a free port, which Firefox writes to a file.
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(`user_pref("marionette.port", 0);`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--marionette", "--no-remote", "--profile", profile)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), "HOME="+profile)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	var port string
	for end := time.Now().Add(3 * timeout); port == ""; time.Sleep(50 * time.Millisecond) {
		b, _ := os.ReadFile(filepath.Join(profile, "MarionetteActivePort"))
		if port = strings.TrimSpace(string(b)); time.Now().After(end) {
			t.Fatal("Firefox has opened no port")
		}
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	f := &firefox{conn: conn, in: bufio.NewReader(conn)}
	var hello struct{ MarionetteProtocol int }
	if err := f.read(&hello); err != nil || hello.MarionetteProtocol != 3 {
		t.Fatalf("%+v, %v", hello, err)
	}
	if err := f.do("WebDriver:NewSession", `{"acceptInsecureCerts": true}`, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	return f
}

// read reads a message: its length, a colon, and JSON.
func (f *firefox) read(message any) error {
	f.conn.SetReadDeadline(time.Now().Add(3 * timeout)) // its start takes long on a busy machine
	var length int
	if _, err := fmt.Fscanf(f.in, "%d:", &length); err != nil {
		return err
	}
	b := make([]byte, length)
	if _, err := io.ReadFull(f.in, b); err != nil {
		return err
	}
	return json.Unmarshal(b, message)
}

// do performs a command with parameters in JSON.
func (f *firefox) do(command, parameters string, result any) error {
	f.id++
	message := fmt.Sprintf(`[0, %d, %q, %s]`, f.id, command, parameters)
	if _, err := fmt.Fprintf(f.conn, "%d:%s", len(message), message); err != nil {
		return err
	}
	var kind, id int
	var failure *struct{ Error, Message string }
	if err := f.read(&[]any{&kind, &id, &failure, result}); err != nil {
		return err
	}
	if failure != nil {
		return fmt.Errorf("%s: %s: %s", command, failure.Error, failure.Message)
	}
	if kind != 1 || id != f.id {
		return fmt.Errorf("%s: message %d of kind %d", command, id, kind)
	}
	return nil
}

func (f *firefox) open(url string) (tab, error) {
	var opened struct{ Handle string }
	if err := f.do("WebDriver:NewWindow", `{"type": "tab"}`, &opened); err != nil {
		return nil, err
	}
	t := firefoxTab{f, opened.Handle}
	return t, t.navigate(url)
}

func (t firefoxTab) navigate(url string) error {
	if err := t.show(); err != nil {
		return err
	}
	return t.do("WebDriver:Navigate", fmt.Sprintf(`{"url": %q}`, url), &struct{}{})
}

// show makes the tab visible, and others hidden.
func (t firefoxTab) show() error {
	return t.do("WebDriver:SwitchToWindow", fmt.Sprintf(`{"handle": %q, "focus": true}`, t.handle), &struct{}{})
}

func (t firefoxTab) evaluate(expression string, result any) error {
	if err := t.show(); err != nil {
		return err
	}
	script, err := json.Marshal("return " + expression)
	if err != nil {
		return err
	}
	return t.do("WebDriver:ExecuteScript", fmt.Sprintf(`{"script": %s, "args": []}`, script), &struct{ Value any }{result})
}
