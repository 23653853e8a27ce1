package delta

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// ErrDiffers means that a delta is not the program that it should be.
var ErrDiffers = errors.New("the program that was linked with a delta differs")

// errNotLast means that there is nothing to compare.
var errNotLast = errors.New("the last delta was not linked from these archives")

// Verify links archives again, all of them, and compares the result, symbol by
// symbol, with the program that Link has last linked from them. It returns an error
// that wraps ErrDiffers and names a symbol that differs. Any other error means
// that the programs were not compared; if neither ctx nor a lack of memory or disk
// space is the reason, the Linker turns itself off. Verify takes longer than an
// ordinary link, at the lowest priority.
func (l *Linker) Verify(ctx context.Context, c *linktool.Command, archives map[string]string) error {
	l.mu.Lock()
	last := l.last
	l.mu.Unlock()
	if last == nil || last.base.command != c || len(last.archives) != len(archives) || len(linktool.Changed(last.archives, archives)) > 0 {
		return errNotLast
	}
	program := last.base.file("last")
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("%w: %w", errNotLast, err)
	}
	err := last.base.verify(ctx, archives, program)
	if err != nil && ctx.Err() == nil && !errors.Is(err, errShort) && !errors.Is(err, ErrDiffers) {
		l.TurnOff(err)
	}
	return err
}

// lastLink is a program that was linked as a delta.
type lastLink struct {
	base     *base
	archives map[string]string
}

// verify compares a program that was linked as a delta of the base.
func (b *base) verify(ctx context.Context, archives map[string]string, program string) error {
	if err := b.checkRoom(archives); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(b.dir), "verify-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	v := &base{tool: b.tool, dir: dir, command: b.command, archives: archives, hot: b.hot, urgent: b.urgent}
	return v.run(ctx, "verify", archives, b.command.Flags, v.file("full"), "HOTSTART_DELTA_PROGRAM="+program)
}
