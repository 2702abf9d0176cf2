// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// A parsed time of day or window is on a full or half hour, and its printed form parses to the same.
func FuzzWindow(f *testing.F) {
	for _, s := range []string{
		"Mondays 22:30 to Tuesdays 02:30 UTC", "Tuesdays 17:30 to 21:30 UTC", "Mon 10:00", "Mondays 22:30 to 02:30 UTC",
		"13:30", "1:30PM", "01:30 pm", "24:00", "12:00am", "14:31",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if minute, err := keyvalue.ParseTimeOfDay(s); err == nil {
			printed := keyvalue.Window{Minute: minute}.TimeOfDay()
			if again, err := keyvalue.ParseTimeOfDay(printed); err != nil || again != minute || minute%30 != 0 {
				t.Errorf("%q is %d, which is %q, which is read as %d, %v", s, minute, printed, again, err)
			}
		}
		w, err := keyvalue.ParseWindowText(s)
		if err != nil {
			return
		}
		if w.Day < time.Sunday || w.Day > time.Saturday || w.Minute < 0 || w.Minute > 1410 || w.Minute%30 != 0 {
			t.Fatalf("%q was read as %#v", s, w)
		}
		if again, err := keyvalue.ParseWindowText(w.String()); err != nil || again != w {
			t.Errorf("%q is %v, which is read as %v, %v", s, w, again, err)
		}
	})
}
