package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

func TestMeasureCountsWatches(t *testing.T) {
	before := measure([]int{os.Getpid()})
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	for i := range 3 {
		dir := filepath.Join(t.TempDir(), fmt.Sprint(i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_MODIFY); err != nil {
			t.Fatal(err)
		}
	}
	u := measure([]int{os.Getpid()})
	if u.Watches != before.Watches+3 {
		t.Errorf("%d watches more, want 3", u.Watches-before.Watches)
	}
	if u.RSS < 1000 || u.CPU <= 0 || u.Wakes <= 0 {
		t.Errorf("%+v", u)
	}
}

// A tool runs a shell that runs the program, which has a child of its own.
func TestTreeWithout(t *testing.T) {
	tool := exec.Command("sh", "-c", "sh -c 'echo $$; sleep 60 & wait' & wait")
	tool.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := tool.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tool.Start(); err != nil {
		t.Fatal(err)
	}
	defer tool.Wait()
	defer syscall.Kill(-tool.Process.Pid, syscall.SIGKILL)
	var program int
	if _, err := fmt.Fscan(out, &program); err != nil {
		t.Fatal(err)
	}
	if alone := treeWithout(tool.Process.Pid, program); !slices.Equal(alone, []int{tool.Process.Pid}) {
		t.Errorf("the tool is %v, want %d alone; the program is %d", alone, tool.Process.Pid, program)
	}
	if all := treeWithout(tool.Process.Pid, 0); !slices.Contains(all, program) {
		t.Errorf("%v has no %d", all, program)
	}
}

func TestKillMarked(t *testing.T) {
	mark := "HOTBENCH_TEST=" + newText()
	cmd := exec.Command("setsid", "sh", "-c", "echo; read line") // out of every group
	cmd.Env = append(os.Environ(), mark)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // while a program is being executed, it has no environment
		t.Fatal(err)
	}
	killMarked(mark)
	if err := cmd.Wait(); err == nil {
		t.Error("the process was not killed")
	}
}
