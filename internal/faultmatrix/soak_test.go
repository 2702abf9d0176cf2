// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// largeConfig returns a configuration of 30 objects.
func largeConfig(timeout int) string {
	return fmt.Sprintf(`
resource "kvs_app" "web" {
  count = 6
  name  = "orders-web-${count.index}"
}

resource "kvs_instance" "cache" {
  count               = 10
  app_id              = kvs_app.web[count.index %% 6].id
  plan                = "premium-0"
  name                = "orders-cache-${count.index}"
  timeout             = %d
  deletion_protection = false
}

resource "kvs_attachment" "shared" {
  count       = 8
  app_id      = kvs_app.web[(count.index + 1) %% 6].id
  instance_id = kvs_instance.cache[count.index].id
  name        = "SHARED_${count.index}"
}

resource "kvs_maintenance_window" "cache" {
  count       = 4
  instance_id = kvs_instance.cache[count.index].id
  day         = "Monday"
  time        = "22:30"
}

resource "kvs_private_space" "prod" {
  name                = "acme-prod"
  team                = "acme"
  deletion_protection = false
}

resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id
  ranges   = { "192.0.2.0/24" = {} }
}
`, timeout)
}

// atRandom returns faults for 5 % resets, 5 % server errors, 5 % answers with status 429 and 2 % stale reads. Half of the resets and
// server errors come after the commit.
func atRandom(seed uint64) []sandbox.Fault {
	const requests = 600
	random := rand.New(rand.NewPCG(seed, 0)) // the same sequence for the same seed
	var plan []sandbox.Fault
	for n := 1; n <= requests; n++ {
		var do sandbox.Effect
		commit := random.IntN(2) == 0
		switch p := random.IntN(100); {
		case p < 5:
			do = sandbox.Effect{Reset: true, Commit: commit}
		case p < 10:
			do = sandbox.Effect{Status: 500 + random.IntN(5), Commit: commit}
		case p < 15:
			do = retryAfter([]string{"", "1", "999999999", "-1", "soon"}[random.IntN(5)])
		case p < 17:
			plan = append(plan, sandbox.Fault{Match: sandbox.Match{Method: "GET", Nth: n}, Do: sandbox.Effect{Stale: true}})
			continue
		default:
			continue
		}
		plan = append(plan, sandbox.Fault{Match: sandbox.Match{Nth: n}, Do: do})
	}
	return plan
}

// A larger configuration is created, changed or destroyed with random faults. KVS_SOAK_SEED repeats one run: exactly if the seed is
// odd, because then objects are processed one at a time.
func TestAccRandomSoak(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			e := Experiment{
				Config: largeConfig(300), Exit: AnyExit, InjectedFaults: atRandom(seed), FaultsOptional: true, Budget: 1500, ExtraApplies: 1,
			}
			switch seed % 3 {
			case 1:
				e.Before, e.Config = largeConfig(300), largeConfig(60)
			case 2:
				e.Before, e.Destroyed = largeConfig(300), true
			}
			e.Act = func(l *Harness) *Trial {
				parallelism := "-parallelism=10"
				if seed%2 == 1 {
					parallelism = "-parallelism=1"
				}
				if e.Destroyed {
					return l.Destroy(parallelism)
				}
				return l.Apply(parallelism)
			}
			e.Run(t)
			if t.Failed() {
				t.Logf("to repeat it: KVS_SOAK_SEED=%d go test ./internal/faultmatrix -run TestAccRandomSoak", seed)
			}
		})
	}
}

func seeds(t *testing.T) []uint64 {
	t.Helper()
	if text := os.Getenv("KVS_SOAK_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("KVS_SOAK_SEED: %v", err)
		}
		return []uint64{seed}
	}
	n := 3
	if long() {
		n = 200
		if text := os.Getenv("KVS_SOAK_SEEDS"); text != "" {
			if asked, err := strconv.Atoi(text); err == nil {
				n = asked
			}
		}
	}
	all := make([]uint64, n)
	for i := range all {
		all[i] = uint64(i)
	}
	return all
}

// The provider is killed after the first, second, third … answer of an apply, up to the last one.
func TestAccKillSoak(t *testing.T) {
	t.Parallel()
	const most = 70 // more answers than the apply takes
	for n := 1; n <= most; n++ {
		if !long() && n%23 != 8 {
			continue
		}
		t.Run(fmt.Sprintf("after answer %d", n), func(t *testing.T) {
			t.Parallel()
			Experiment{
				Config: webApp + apiApp + store() + attachment + window, Killed: true,
				Act: func(l *Harness) *Trial {
					l.Plan("-out=saved")
					l.Kill(strconv.Itoa(n))
					trial := l.Record("apply", "-json", "-input=false", "saved")
					if n == most && trial.Code != 0 {
						t.Errorf("the apply takes more than %d answers, so some deaths were not tried", most)
					}
					return trial
				},
			}.Run(t)
		})
	}
}
