package session

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/machine"
)

func (e *effects) runRule(rule *rules.State) {
	env, err := e.environ()
	c := rules.Command{Line: rule.Run, Files: rule.Inputs(), Dir: e.o.Dir, Env: append(env, e.marker), TempDir: e.tempDir}
	e.begin(&e.rule, func(ctx context.Context) {
		var output string
		if err == nil {
			output, err = c.Execute(ctx)
		}
		e.send(machine.RuleDone{Err: err, Output: output, At: time.Now(), Modified: modificationTimes(c.Files)})
	})
}

func modificationTimes(files []string) map[string]time.Time {
	times := map[string]time.Time{}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			times[file] = info.ModTime()
		}
	}
	return times
}

// runAfterReady runs the commands of --after-ready for a worker, and cancels
// those of the worker before.
func (e *effects) runAfterReady(a machine.RunAfter) {
	e.after.stop()
	env, err := e.environ()
	if len(e.o.AfterReady) == 0 || err != nil {
		return
	}
	env = append(env, e.marker, fmt.Sprint("HOTSTART_GENERATION=", a.Worker.Generation), fmt.Sprint("HOTSTART_PID=", a.Worker.PID), "HOTSTART_URL="+a.URL)
	lines, dir := e.o.AfterReady, e.o.Dir // the settings may change before the commands end
	e.begin(&e.after, func(ctx context.Context) {
		e.screen.Flush()
		for _, line := range lines {
			_, err := rules.Command{Line: line, Dir: dir, Env: env, Out: os.Stderr}.Execute(ctx)
			if ctx.Err() != nil || !e.send(machine.AfterReadyDone{Line: line, Err: err}) || err != nil {
				return
			}
		}
	})
}

// runOnStop runs the commands of --on-stop. A signal cancels them.
func (e *effects) runOnStop(signals <-chan os.Signal) error {
	env, err := e.environ()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with ctx
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	e.screen.Flush()
	for _, line := range e.o.OnStop {
		c := rules.Command{Line: line, Dir: e.o.Dir, Env: append(env, e.marker), Out: os.Stderr}
		if _, err := c.Execute(ctx); err != nil {
			return fmt.Errorf("--on-stop: %s: %w", rules.Rule{Run: line}.Title(), err)
		}
	}
	return nil
}
