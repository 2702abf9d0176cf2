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

// Exit codes of exec that are not those of the command. They are the same as for env and timeout.
const (
	exitOwnFailure    = 125 // the sandbox failed, or the arguments are wrong
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128 // plus the number of the signal that ended the command
)

// execute starts a sandbox, runs a command with its environment, and stops it. It forwards signals to the command, and returns the exit
// code of the command or one of the codes above.
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

// run runs the command and returns its exit code.
func (c execCall) run(s *sandbox.Sandbox, signals <-chan os.Signal, stderr io.Writer) int {
	command := exec.Command(c.command[0], c.command[1:]...) //nolint:noctx // it gets signals instead, and decides itself how to end
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Env = os.Environ()
	for _, v := range append(environment(s), cliEnvironment(guideOf(s, c.options.DataDir))...) {
		command.Env = append(command.Env, v.name+"="+v.value) // the last value of a name takes effect
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
		_ = command.Wait() // the result is in ProcessState
		close(ended)
	}()
	for {
		select {
		case received := <-signals:
			if !byTerminal || received != os.Interrupt {
				_ = command.Process.Signal(received) // an error means that it has ended
			}
		case <-ended:
			if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
				return exitCodeOf(status.Signal())
			}
			return command.ProcessState.ExitCode()
		}
	}
}

// exitCodeOf returns the exit code that a shell reports for a command that a signal has ended.
func exitCodeOf(s os.Signal) int {
	if number, ok := s.(syscall.Signal); ok {
		return exitSignal + int(number)
	}
	return exitOwnFailure
}

// execCall has the parsed arguments of exec.
type execCall struct {
	options sandbox.Options
	wait    bool
	logFile string
	command []string
}

// parseExec parses the arguments. If they are wrong, it prints the reason and the usage, and returns errUsage.
func parseExec(args []string, stderr io.Writer) (execCall, error) {
	var c execCall
	flags := newFlags("kvs-sandbox exec", &c.options, stderr)
	flags.BoolVar(&c.wait, "wait", false, "keep the sandbox when the command has ended, until Ctrl-C, to look at what is there")
	flags.StringVar(&c.logFile, "log", "", "`file` that the sandbox writes its log to, each request included "+
		"(default: errors only, to stderr)")
	flags.StringVar(&c.options.DataDir, "state", "", "another name for --data-dir")
	// Tests should wait only if they set these options.
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

// execLog is the destination of the sandbox's log. It is separate from the output of the command.
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
