//go:build e2e && linux

package e2e

import (
	"context"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// A browser is a real one, which ends with the test.
type browser interface {
	// open shows a page in a tab of its own.
	open(url string) (tab, error)
}

// A tab is a page in a browser.
type tab interface {
	navigate(url string) error
	// evaluate sets result to the value of an expression of JavaScript.
	evaluate(expression string, result any) error
}

// openTab shows a page in a tab of its own.
func openTab(t *testing.T, b browser, url string) tab {
	t.Helper()
	opened, err := b.open(url)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return opened
}

// inTab waits for an expression of JavaScript to be true.
func inTab(t *testing.T, s *session, name string, in tab, expression string) {
	t.Helper()
	err := s.await("to show "+expression+" at "+name, func() (ok bool) {
		return in.evaluate(`Boolean(`+expression+`)`, &ok) == nil && ok
	})
	if err != nil {
		var now string
		in.evaluate(`document.documentElement.outerHTML`, &now)
		t.Fatalf("%v\n%s", err, now)
	}
}

// chromium is a browser whose tabs are all visible.
type chromium struct{ ctx context.Context }

type chromiumTab struct{ ctx context.Context }

func startChromium(t *testing.T) browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("needs chromium, a package of Debian's")
	}
	dir := t.TempDir()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.IgnoreCertErrors,
		chromedp.UserDataDir(dir), chromedp.Env("TMPDIR="+dir)) // it leaves files in TMPDIR
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		chromedp.Cancel(ctx) // waits for the browser to end
		cancel()
	})
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return chromium{ctx}
}

func (c chromium) open(url string) (tab, error) {
	ctx, _ := chromedp.NewContext(c.ctx) // ends with the browser
	t := chromiumTab{ctx}
	return t, t.navigate(url)
}

func (c chromiumTab) navigate(url string) error {
	return chromedp.Do(c.ctx, chromedp.Navigate(url))
}

func (c chromiumTab) evaluate(expression string, result any) (err error) {
	switch result := result.(type) {
	case *bool:
		*result, err = chromedp.Run(c.ctx, chromedp.Evaluate[bool](expression))
	case *string:
		*result, err = chromedp.Run(c.ctx, chromedp.Evaluate[string](expression))
	}
	return err
}
