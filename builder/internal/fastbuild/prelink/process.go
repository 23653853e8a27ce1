package prelink

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// process is a linker that has loaded the archives that do not change, and waits
// for those of the hot packages. It links once.
type process struct {
	command  *linktool.Command
	hot      map[string]bool   // by import path
	archives map[string]string // that it was started with, by import path

	dir    string // of its files
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	ready  chan struct{} // closed when the process waits
	exited chan struct{} // closed when the process has exited
	output string        // that the process has printed; set before exited is closed
	err    error         // of the process; set before exited is closed
	end    sync.Once
}

// start starts the linker tool with archives. The process and its goroutine end
// by link or close.
func start(tool, tmp string, c *linktool.Command, archives map[string]string, hot map[string]bool) (*process, error) {
	config, err := c.Config(archives)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(tmp, "prelink-")
	if err != nil {
		return nil, err
	}
	p := &process{command: c, hot: hot, archives: archives, dir: dir, ready: make(chan struct{}), exited: make(chan struct{})}
	if err = os.WriteFile(p.file("importcfg"), []byte(config), 0o600); err == nil {
		err = p.start(tool)
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return p, nil
}

func (p *process) file(name string) string { return filepath.Join(p.dir, name) }

func (p *process) start(tool string) error {
	var names []string
	for path := range p.hot {
		names = append(names, p.command.LibraryName(path))
	}
	slices.Sort(names)
	args := append([]string{"-o", p.file("out"), "-importcfg", p.file("importcfg")}, p.command.Flags...)
	p.cmd = exec.Command(tool, append(args, p.archives[p.command.Main])...)
	p.cmd.Dir = p.command.Dir
	p.cmd.Env = append(slices.Clip(p.command.Env), "HOTSTART_PRELINK="+strings.Join(names, ","), "TMPDIR="+p.dir)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var errs bytes.Buffer
	p.cmd.Stderr = &errs
	stdin, err := p.cmd.StdinPipe() // closed when hotstart is killed: that ends the process
	if err != nil {
		return err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	// If memory is short, the kernel kills this process first.
	_ = os.WriteFile("/proc/"+strconv.Itoa(p.cmd.Process.Pid)+"/oom_score_adj", []byte("1000"), 0)
	p.stdin = stdin
	go func() { // ends with the process
		out := bufio.NewReader(stdout)
		if line, _ := out.ReadString('\n'); line == "ready\n" {
			close(p.ready)
		}
		text, _ := io.ReadAll(out)
		p.output = string(text)
		if p.err = p.cmd.Wait(); p.err != nil {
			p.err = fmt.Errorf("linking with a waiting linker: %w: %s", p.err, bytes.TrimSpace(append(text, errs.Bytes()...)))
		}
		close(p.exited)
	}()
	return nil
}

// await waits until the process is ready. When ctx is done, or if the process exits, it returns an error.
func (p *process) await(ctx context.Context) error {
	select {
	case <-p.ready:
		return nil
	case <-p.exited:
		return cmp.Or(p.err, errors.New("the waiting linker has exited"))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fits reports whether the process can link a command with these archives.
func (p *process) fits(c *linktool.Command, archives map[string]string) bool {
	select {
	case <-p.ready:
	default:
		return false
	}
	return p.command == c && len(archives) == len(p.archives) &&
		!slices.ContainsFunc(linktool.Changed(p.archives, archives), func(path string) bool { return !p.hot[path] })
}

// link ends the process: it links archives into the file output.
func (p *process) link(ctx context.Context, archives map[string]string, buildID, output string) error {
	defer p.close()
	var request strings.Builder
	for _, path := range linktool.Changed(p.archives, archives) {
		fmt.Fprintf(&request, "package %s=%s\n", p.command.LibraryName(path), archives[path])
	}
	fmt.Fprintf(&request, "buildid %s\nlink\n", buildID)
	if _, err := io.WriteString(p.stdin, request.String()); err != nil {
		return err
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		return ctx.Err()
	}
	if p.err != nil {
		return p.err
	}
	return os.Rename(p.file("out"), output)
}

// close kills the process, waits for it and removes its files.
func (p *process) close() {
	p.end.Do(func() {
		select {
		case <-p.exited: // the process ID may be that of another process
		default:
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		}
		<-p.exited
		_ = os.RemoveAll(p.dir)
	})
}
