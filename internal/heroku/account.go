// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import "context"

// Account is the account that the credential belongs to (Platform API reference, account). A token of a narrow scope may not read it.
type Account struct{ ID, Email string }

type wireAccount struct {
	ID    text `json:"id"`
	Email text `json:"email"`
}

func (w wireAccount) value() (Account, error) {
	if w.ID == "" || w.Email == "" {
		return Account{}, missing("account id and email")
	}
	return Account{ID: string(w.ID), Email: string(w.Email)}, nil
}

// Account returns the account that the client's credential belongs to.
func (c *Client) Account(ctx context.Context) (Account, error) {
	a, _, err := exchange(ctx, c, c.get("account"), decodeOne[wireAccount])
	return a, err
}
