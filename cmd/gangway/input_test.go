package main

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

func TestReadingAnIdlePipeEndsWithTheContext(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	// Later than a first look at the pipe, which must not lead into a read.
	ctx, cancel := context.WithTimeout(t.Context(), 3*interruptedWithin*time.Millisecond)
	defer cancel()
	input := (&app{stdin: read}).input(ctx)

	if _, err := write.WriteString("all"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 8)
	if n, err := input.Read(buf); string(buf[:n]) != "all" || err != nil {
		t.Fatalf("read %q, %v", buf[:n], err)
	}
	rest := make(chan error, 1)
	go func() {
		_, err := input.Read(buf)
		rest <- err
	}()
	select {
	case err := <-rest:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the idle pipe gives %v", err)
		}
	case <-time.After(within):
		t.Error("the reader is stuck")
		write.Close() // frees it
		<-rest
	}
}
