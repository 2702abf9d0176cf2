// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// findInstance finds the store that a person means by its UUID, its name, or app::ATTACHMENT.
func (c *connection) findInstance(ctx context.Context, reference string) (heroku.AddOn, diag.Diagnostics) {
	var diags diag.Diagnostics
	addOn, err := c.lookUpInstance(ctx, reference)
	switch {
	case errors.Is(err, errNoReference):
		diags.Append(invalidImport(reference, "the add-on's UUID, its name (redis-curved-48210), or an app and an attachment of it (app::ATTACHMENT)", "orders-api::REDIS"))
	case err != nil:
		diags.Append(c.failure("Unable to find Key-Value Store", fmt.Sprintf("Key-Value Store %q", reference), err))
	case addOn.Service != keyvalue.Service:
		diags.AddError("Not a Key-Value Store",
			fmt.Sprintf("The add-on %s (%s) belongs to the service %s; a Key-Value Store is an add-on of %s.", addOn.Name, addOn.ID, addOn.Service, keyvalue.Service))
	}
	return addOn, diags
}

var errNoReference = errors.New("no reference to a Key-Value Store")

func (c *connection) lookUpInstance(ctx context.Context, reference string) (heroku.AddOn, error) {
	app, attachment, scoped := strings.Cut(reference, "::")
	switch {
	case scoped && keyvalue.ValidateAttachmentName(attachment) == nil && (keyvalue.IsUUID(app) || keyvalue.ValidateAppName(app) == nil):
		found, err := c.client.AppAttachment(ctx, app, attachment)
		if err != nil {
			return heroku.AddOn{}, err
		}
		return c.client.AddOn(ctx, found.AddOnID)
	case keyvalue.IsUUID(reference): // many that are imported together are one list
		return c.client.AddOn(ctx, heroku.AddOnID(reference))
	case !scoped && keyvalue.ValidateAddOnName(reference) == nil:
		return c.client.FindAddOn(ctx, reference)
	}
	return heroku.AddOn{}, errNoReference
}

// bullets sets facts in a diagnostic, one a line.
func bullets(facts []string) string { return "  - " + strings.Join(facts, "\n  - ") }
