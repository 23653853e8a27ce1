package hook

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
	"unsafe"
)

// The hooks of package net get a descriptor alone. What the socket is for is known to the calling functions, so it is
// read from the stack of the goroutine.

// hotstartCallers returns the functions on the stack of this goroutine, the innermost first, each after a newline.
func hotstartCallers() (functions string) {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for {
		frame, more := frames.Next()
		functions += "\n" + frame.Function
		if !more {
			return functions
		}
	}
}

// hotstartSite returns a hash (FNV-1a) of the functions on the stack.
func hotstartSite() string {
	hash := uint64(14695981039346656037)
	for _, b := range []byte(hotstartCallers()) {
		hash = (hash ^ uint64(b)) * 1099511628211
	}
	return strconv.FormatUint(hash, 16)
}

// hotstartGoroutine returns the number of this goroutine, from "goroutine 18 [running]: …".
func hotstartGoroutine() string {
	buf := make([]byte, 64)
	fields := bytes.Fields(buf[:runtime.Stack(buf, false)])
	if len(fields) < 2 {
		return ""
	}
	return string(fields[1])
}

// hotstartArgument returns the nth argument word of a function on the stack, or nil if the runtime is not certain of
// the value. The word must be a pointer that the function needs again after the call that is under way: so its
// target is alive.
//
// The pointer may point into the stack. When the runtime moves the stack, it changes pointers, but not the printed
// text. So the text is printed again when the value is already a pointer, and compared.
func hotstartArgument(function string, n int) unsafe.Pointer {
	address := hotstartWord(hotstartStack(), function, n)
	pointer := *(*unsafe.Pointer)(unsafe.Pointer(&address))
	if hotstartWord(hotstartStack(), function, n) != uintptr(pointer) {
		return nil
	}
	return pointer
}

// hotstartStack returns the stack of this goroutine as a panic prints it, the innermost function first.
func hotstartStack() string {
	b := make([]byte, 8<<10)
	return string(b[:runtime.Stack(b, false)])
}

// hotstartWord returns the nth argument word of a function on the stack. It returns 0 if the word is not printed, or is
// printed with a question mark, by which the runtime marks a value that may be wrong.
func hotstartWord(stack, function string, n int) uintptr {
	_, line, _ := strings.Cut(stack, "\n"+function)
	line, _, whole := strings.Cut(line, ")\n")
	words := strings.Split(strings.NewReplacer("{", "", "}", "").Replace(line), ", ")
	if !whole || n >= len(words) {
		return 0
	}
	word, err := strconv.ParseUint(words[n], 0, strconv.IntSize)
	if err != nil {
		return 0
	}
	return uintptr(word)
}
