// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Exit codes of exec that are not the command's own, as env and timeout have them.
const (
	exitOwnFailure    = 125 // of the sandbox, or of how it was called
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128 // and the number of the signal that ended the command
)

// execute starts a sandbox, runs a command with its environment, and stops it. Signals go on to the command, and its exit
// code is the result.
func execute(ctx context.Context, args []string, stderr io.Writer) (code int) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, endingSignals...)
	defer signal.Stop(signals)

	call, err := parseExec(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitOwnFailure
	}
	failed := func(err error) {
		fmt.Fprintln(stderr, "kvs-sandbox:", err)
		if code == 0 {
			code = exitOwnFailure
		}
	}
	log, err := openLog(call.logFile, stderr)
	if err != nil {
		failed(err)
		return code
	}
	defer func() { _ = log.Close() }()
	call.options.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: log.level}))

	starting, started := context.WithCancel(ctx)
	defer started()
	var early os.Signal
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case early = <-signals:
			started()
		case <-starting.Done():
		}
	}()
	s, err := sandbox.Start(starting, call.options)
	started()
	<-watched
	if err == nil {
		defer func() {
			if err := s.Close(); err != nil {
				failed(fmt.Errorf("stopping: %w", err))
			}
		}()
	}
	switch {
	case early != nil:
		return exitCodeOf(early)
	case err != nil:
		failed(err)
		return code
	}
	code = call.run(s, signals, stderr)
	if call.wait && code < exitSignal {
		fmt.Fprintf(stderr, "\nThe command exited with %d. The sandbox runs on at %s until Ctrl-C:\n\n%s\n", code, s.URL(), exports(s))
		<-signals
	}
	return code
}

// run runs the command to its end.
func (c execCall) run(s *sandbox.Sandbox, signals <-chan os.Signal, stderr io.Writer) int {
	command := exec.Command(c.command[0], c.command[1:]...) //nolint:noctx // signals go to it, and it decides how it ends
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Env = os.Environ()
	for _, v := range append(environment(s), cliEnvironment(guideOf(s, c.options.DataDir))...) {
		command.Env = append(command.Env, v.name+"="+v.value) // the last one of a name counts
	}
	byTerminal := isolate(command)
	if err := command.Start(); err != nil {
		fmt.Fprintln(stderr, "kvs-sandbox:", err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return exitNotFound
		}
		return exitNotExecutable
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // how it ended is in ProcessState
		close(ended)
	}()
	for {
		select {
		case received := <-signals:
			if !byTerminal || received != os.Interrupt {
				_ = command.Process.Signal(received) // it may have ended meanwhile
			}
		case <-ended:
			if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
				return exitCodeOf(status.Signal())
			}
			return command.ProcessState.ExitCode()
		}
	}
}

// exitCodeOf is what a shell says of a command that was ended by a signal.
func exitCodeOf(s os.Signal) int {
	if number, ok := s.(syscall.Signal); ok {
		return exitSignal + int(number)
	}
	return exitOwnFailure
}

// execCall is what the arguments ask for.
type execCall struct {
	options sandbox.Options
	wait    bool
	logFile string
	command []string
}

// parseExec prints what is wrong with the arguments, and the usage, by itself.
func parseExec(args []string, stderr io.Writer) (execCall, error) {
	var c execCall
	flags := newFlags("kvs-sandbox exec", &c.options, stderr)
	flags.BoolVar(&c.wait, "wait", false, "keep the sandbox when the command has ended, until Ctrl-C, to look at what is there")
	flags.StringVar(&c.logFile, "log", "", "`file` that the sandbox writes its log to, each request included "+
		"(default: errors only, to stderr)")
	flags.StringVar(&c.options.DataDir, "state", "", "another name for --data-dir")
	// A test is to wait for nothing that it has not asked for.
	for _, name := range []string{"provisioning", "allocation"} {
		if err := flags.Set(name, "0s"); err != nil {
			return c, err
		}
		flags.Lookup(name).DefValue = "0s"
	}
	flags.Usage = func() {
		fmt.Fprint(stderr, `Usage: kvs-sandbox exec [options] -- COMMAND [ARGUMENT...]

Starts a sandbox, runs the command with its environment, and stops it. The exit code is the command's, 125 when the sandbox
fails, 126 and 127 when the command cannot be run or found, and 128 + N when signal N ended it.

`)
		flags.PrintDefaults()
	}
	if err := parseFlags(flags, args, &c.options); err != nil {
		return c, err
	}
	c.command = flags.Args()
	if len(c.command) == 0 {
		return c, refused(flags, "which command? For example: kvs-sandbox exec -- terraform test")
	}
	return c, nil
}

// execLog is where the log of the sandbox goes, so that it is not in the middle of what the command prints.
type execLog struct {
	io.Writer
	io.Closer
	level slog.Level
}

func openLog(name string, stderr io.Writer) (execLog, error) {
	if name == "" {
		return execLog{stderr, io.NopCloser(nil), slog.LevelError}, nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return execLog{file, file, slog.LevelDebug}, err
}
