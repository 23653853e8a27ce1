package fastbuild

import (
	"context"
	"errors"
	"os"
)

// Check repeats the last fast build, whose binary has this ID, with the go command and at the
// lowest priority. That fills the build cache as usual, and verifies the fast build. If the content
// is the same, or the sources have changed since, Check returns nil. Otherwise the go command
// makes all further builds, and Check returns what the go command has built, or its error. Check
// also starts a linker that waits for the next edit.
func (c *Cache) Check(ctx context.Context, id string) (*Binary, error) {
	_, last, enabled := c.state()
	if !enabled || last.program == nil || !c.isFresh(last) {
		return nil, nil
	}
	_ = last.program.Warm(ctx, c.linker) // or the ordinary linker links the next edit
	defer c.prepareLinker(ctx, last)
	if last.id == "" || last.id != id {
		return nil, nil
	}
	binary, err := c.GoBuild(ctx, last.Inputs, true)
	if ctx.Err() == nil && c.isFresh(last) && (err != nil || binary.ID != id) {
		c.disable(errors.New("the go command builds another program"))
		return binary, err
	}
	if binary != nil {
		_ = os.Remove(binary.Path)
	}
	return nil, nil
}

// prepareLinker builds the linker that waits for the next edit, if there is none yet.
func (c *Cache) prepareLinker(ctx context.Context, last *build) {
	if c.linker.Prepare(ctx) {
		_ = last.program.Warm(ctx, c.linker)
	}
}

// isFresh reports whether the go command would build the same program now: the sources have not
// changed, and no temporary files are embedded.
func (c *Cache) isFresh(b *build) bool {
	now := c.fingerprint(b.graph, b.program)
	changed, ok := b.changed(now)
	return ok && len(changed) == 0 && !now.temporary
}
