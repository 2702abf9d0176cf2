// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/resp"
)

// processServer is a valkey-server or redis-server process behind a TCP proxy. The proxy listens from the beginning; the process starts
// with the first connection, or when the sandbox needs it.
type processServer struct {
	engine      *processEngine
	temporary   bool // the engine has created the directory
	proxy       *tcpProxy
	processPort atomic.Int64 // port of the process; 0 = it does not run

	changeMu sync.Mutex // one change at a time; guards the fields up to upstream
	spec     serverSpec // for the next start; ID, Dir and Persistent never change
	former   string     // another password that is valid; "" = none
	origin   source     // the source that it replicates; zero = none
	upstream source     // the address at which the replica reaches origin

	tunnel atomic.Pointer[tunnel] // to a source outside of the sandbox, over TLS

	lifecycleMu sync.Mutex    // one start or stop at a time; guards the fields below
	child       *child        // written only while changeMu is held too
	attempt     *startAttempt // nil if none is running
	stopped     bool
	attempts    sync.WaitGroup
}

var errStopped = errors.New("the server is stopped")

// prepareDir creates the directory. In an existing one it ends a server that a killed sandbox has left running, and removes the data of a
// server that is not persistent.
func (s *processServer) prepareDir() (err error) {
	if s.spec.Dir == "" {
		s.temporary = true
		s.spec.Dir, err = os.MkdirTemp(s.engine.dir, "store-")
		return err
	}
	if _, err := endLeftover(s.spec.Dir); err != nil {
		return err
	}
	if !s.spec.Persistent {
		return s.emptyDir()
	}
	return os.MkdirAll(s.spec.Dir, 0o700)
}

func (s *processServer) emptyDir() error {
	if err := os.RemoveAll(s.spec.Dir); err != nil {
		return err
	}
	return os.MkdirAll(s.spec.Dir, 0o700)
}

func (s *processServer) removeDir(keepData bool) error {
	if keepData && !s.temporary {
		return nil
	}
	return os.RemoveAll(s.spec.Dir)
}

// Idle reports whether the process does not run and its directory has no data.
func (s *processServer) Idle() bool {
	if s.processPort.Load() != 0 {
		return false
	}
	if !s.spec.Persistent {
		return true
	}
	files, err := os.ReadDir(s.spec.Dir)
	return err == nil && len(files) == 0
}

func (s *processServer) Restart(ctx context.Context, spec serverSpec) error {
	s.changeMu.Lock()
	defer s.changeMu.Unlock()
	s.spec.Password, s.spec.Limits, s.spec.Settings = spec.Password, spec.Limits, spec.Settings
	if s.processPort.Load() == 0 {
		return nil
	}
	s.endChild(nil)
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("restarting the server: %w", err)
	}
	return nil
}

func (s *processServer) TakeAddress(from server) error {
	former, ok := from.(*processServer)
	if !ok {
		return fmt.Errorf("taking the address of a %T", from)
	}
	return s.proxy.takeOver(former.proxy)
}

func (s *processServer) Stop(ctx context.Context, keepData bool) error {
	return s.stop(ctx.Done(), keepData)
}

var immediately = func() <-chan struct{} {
	closed := make(chan struct{})
	close(closed)
	return closed
}()

// stop ends the connections and the process. It uses KILL when killNow is closed, or if the data is not kept.
func (s *processServer) stop(killNow <-chan struct{}, keepData bool) error {
	s.lifecycleMu.Lock()
	stopped := s.stopped
	s.stopped = true
	s.lifecycleMu.Unlock()
	if stopped {
		return nil
	}
	s.engine.remove(s)
	if !keepData || s.temporary {
		killNow = immediately // a replica that is writing its first AOF ignores TERM
	}
	s.proxy.close()
	s.lifecycleMu.Lock()
	if s.child != nil {
		s.child.end(killNow)
	}
	s.processPort.Store(0)
	s.lifecycleMu.Unlock()
	s.attempts.Wait() // they end soon, because no process starts any more
	s.closeTunnel()
	err := os.Remove(filepath.Join(s.spec.Dir, pidFileName))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, s.removeDir(keepData))
}

func (s *processServer) Addr() (host string, port int) { return "127.0.0.1", s.proxy.port() }

// Source returns the port of the proxy, which stays the same when the process restarts.
func (s *processServer) Source() source {
	s.changeMu.Lock()
	defer s.changeMu.Unlock()
	return s.at(s.proxy.port())
}

func (s *processServer) Admin(ctx context.Context, do func(*redis.Client) error) error {
	if err := s.ensureRunning(ctx); err != nil {
		return err
	}
	s.changeMu.Lock()
	defer s.changeMu.Unlock()
	return s.admin(ctx, do)
}

func (s *processServer) Configure(ctx context.Context, settings serverSettings) error {
	s.changeMu.Lock()
	defer s.changeMu.Unlock()
	err := s.adminIfRunning(ctx, func(c *redis.Client) error { return configSet(ctx, c, settings.directives()) })
	if err == nil {
		s.spec.Settings = settings
	}
	return err
}

func (s *processServer) Limit(ctx context.Context, limits serverLimits) error {
	s.changeMu.Lock()
	defer s.changeMu.Unlock()
	err := s.adminIfRunning(ctx, func(c *redis.Client) error { return configSet(ctx, c, s.engine.directives(limits)) })
	if err == nil {
		s.spec.Limits = limits
	}
	return err
}

func configSet(ctx context.Context, c *redis.Client, directives [][2]string) error {
	for _, d := range directives {
		if err := c.ConfigSet(ctx, d[0], d[1]).Err(); err != nil {
			return fmt.Errorf("setting %s: %w", d[0], err)
		}
	}
	return nil
}

func (s *processServer) SetPassword(ctx context.Context, password, former string) error {
	if password == "" {
		return errors.New("a server without a password is refused")
	}
	s.changeMu.Lock()
	defer s.changeMu.Unlock()
	err := s.adminIfRunning(ctx, func(c *redis.Client) error {
		if err := c.ConfigSet(ctx, "requirepass", password).Err(); err != nil {
			return fmt.Errorf("setting the password: %w", err)
		}
		s.spec.Password = password
		for _, user := range []string{"default", "h"} {
			if err := c.ACLSetUser(ctx, user, userRules(password, former)...).Err(); err != nil {
				return fmt.Errorf("setting the password of user %s: %w", user, err)
			}
		}
		return nil
	})
	if err == nil {
		s.spec.Password, s.former = password, former
	}
	return err
}

// userRules returns the ACL rules of the two users of a store: h, which Heroku's URLs use, and the default user.
func userRules(passwords ...string) []string {
	rules := []string{"resetpass"}
	for _, password := range passwords {
		if password != "" {
			rules = append(rules, hashed(password))
		}
	}
	return append(append(rules, "~*", "&*", "+@all"), forbiddenCommands...)
}

// forbiddenCommands are the commands with which a client could affect more than its store: open the server to the network, write files,
// load code, stop the server, or create users. Heroku does not allow them either. Of CONFIG and ACL, only subcommands that read are
// allowed. They are listed as exceptions from a forbidden command, because Redis 6.2 cannot forbid single subcommands.
var forbiddenCommands = []string{
	"-config", "+config|get", "+config|resetstat", "+config|help", "-acl", "+acl|whoami", "+acl|cat", "+acl|dryrun", "+acl|help",
	"-module", "-debug", "-shutdown", "-save", "-bgsave", "-bgrewriteaof", "-replicaof", "-slaveof", "-failover", "-cluster", "-migrate",
}

// adminUser is the user of the sandbox itself on all servers. Only this process and its servers, which replicate each other, know the
// password.
const adminUser = "kvs-sandbox"

// hashed returns the ACL rule for a password.
func hashed(password string) string { return fmt.Sprintf("#%x", sha256.Sum256([]byte(password))) }

func (s *processServer) at(port int) source {
	return source{Host: "127.0.0.1", Port: port, Username: adminUser, Password: s.engine.adminPassword, TLS: true}
}

// admin calls do with a separate connection, which is closed afterwards, because it counts against the store's connection limit.
func (s *processServer) admin(ctx context.Context, do func(*redis.Client) error) error {
	port := s.processPort.Load()
	if port == 0 {
		return errors.New("the server does not run")
	}
	return withClient(ctx, s.at(int(port)), s.engine.cert.clientConfig(), do)
}

// adminIfRunning calls do if the server runs. Otherwise the caller's change of the spec is enough.
func (s *processServer) adminIfRunning(ctx context.Context, do func(*redis.Client) error) error {
	if s.processPort.Load() == 0 {
		return nil
	}
	return s.admin(ctx, do)
}

const dialTimeout = 10 * time.Second

// withClient calls do with a client that has one authenticated connection. It dials itself, because go-redis would log and repeat failed
// dials.
func withClient(ctx context.Context, to source, config *tls.Config, do func(*redis.Client) error) error {
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	dial := (&net.Dialer{}).DialContext
	if to.TLS {
		dial = (&tls.Dialer{Config: config}).DialContext
	}
	conn, err := dial(dialing, "tcp", net.JoinHostPort(to.Host, strconv.Itoa(to.Port)))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // go-redis closes the connection only if it has used it
	if to.Outside {
		conn = resp.Bound(conn)
	}
	c := redis.NewClient(&redis.Options{
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		Username:                 to.Username,
		Password:                 to.Password,
		Protocol:                 2,
		PoolSize:                 1,
		MaxRetries:               -1,
		DialerRetries:            1,
		DisableIdentity:          true,
		ContextTimeoutEnabled:    true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer func() { _ = c.Close() }()
	if err := c.Ping(ctx).Err(); err != nil {
		return err
	}
	return do(c)
}
