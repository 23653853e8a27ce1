package fastbuild

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/delta"
	"github.com/hotstart/hotstart/builder/internal/fastbuild/replay"
)

// Check repeats the last fast build, whose binary has this ID, with the go command and at the
// lowest priority. That fills the build cache as usual, and verifies the fast build: same reports that
// the program was compared, and is the same. If it is, or the sources have changed since, other is nil.
// Otherwise it is what the go command has built, or err is its error, and the go command makes all
// further builds; or, if only the link by delta was wrong, links by delta are off afterwards. Check also
// prepares the link by delta of the next edit.
func (c *Cache) Check(ctx context.Context, id string) (other *Binary, same bool, err error) {
	_, last, enabled := c.state()
	if !enabled || last.program == nil || !c.isFresh(last) {
		return nil, false, nil
	}
	if c.linker != nil {
		_ = last.program.Warm(ctx, c.linker) // or the ordinary linker links the next edit
		defer c.prepare(ctx, last.program)
	}
	if last.id == "" || last.id != id {
		return nil, false, nil
	}
	binary, err := c.verify(ctx, last)
	switch {
	case err == nil || errors.Is(err, errNotCompared) || ctx.Err() != nil || !c.isFresh(last):
		if binary != nil {
			_ = os.Remove(binary.Path)
		}
		return nil, err == nil, nil
	case errors.Is(err, errDelta):
		c.DistrustDelta(err)
		binary.WrongDelta = err
		return binary, false, nil
	case errors.Is(err, errOther):
		c.disable(err)
		return binary, false, nil
	default:
		c.disable(errOther)
		return nil, false, err
	}
}

// prepare builds the delta linker, if it is not built yet, and prepares the link of the next edit.
func (c *Cache) prepare(ctx context.Context, p *replay.Program) {
	if c.linker.Prepare(ctx) {
		_ = p.Warm(ctx, c.linker)
	}
}

var (
	errOther = errors.New("the go command builds another program")
	errDelta = errors.New("a link by delta was wrong")

	errNotCompared = errors.New("a link by delta was not compared")
)

// verify returns what the go command builds now, and an error if that is another program than the
// one that a fast build has made.
func (c *Cache) verify(ctx context.Context, b *build) (*Binary, error) {
	if b.program.LinkedBy() == Delta {
		return c.verifyDelta(ctx, b)
	}
	binary, err := c.GoBuild(ctx, b.Inputs, true)
	if err == nil && binary.ID != b.id {
		err = errOther
	}
	return binary, err
}

// verifyDelta is verify for a program whose content differs from that of the go command. It
// compares what both are linked from, and then the link.
func (c *Cache) verifyDelta(ctx context.Context, b *build) (*Binary, error) {
	recording, err := replay.NewRecording(c.dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotCompared, err)
	}
	defer recording.Remove()
	binary, err := c.GoBuild(ctx, Inputs{append(slices.Clip(b.Flags), recording.Flag()), b.Files}, true)
	if err != nil {
		return nil, err
	}
	if err := b.program.Compare(recording); errors.Is(err, replay.ErrOther) {
		return binary, fmt.Errorf("%w: %w", errOther, err)
	} else if err != nil {
		return binary, fmt.Errorf("%w: %w", errNotCompared, err)
	}
	if err := b.program.Verify(ctx, c.linker); errors.Is(err, delta.ErrDiffers) {
		return binary, fmt.Errorf("%w: %w", errDelta, err)
	} else if err != nil {
		return binary, fmt.Errorf("%w: %w", errNotCompared, err)
	}
	return binary, nil
}

// isFresh reports whether the go command would build the same program now: the sources have not
// changed, and no temporary files are embedded.
func (c *Cache) isFresh(b *build) bool {
	now := c.fingerprint(b.graph, b.program)
	changed, ok := b.changed(now)
	return ok && len(changed) == 0 && !now.temporary
}
