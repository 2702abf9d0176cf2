// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command schemadump prints the schema of the provider as `terraform providers schema -json` does, without Terraform. The output is the
// same on every machine, and complete, whereas older versions of Terraform omit identities, actions and list resources.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
)

// address is the address under which tfplugindocs looks up a provider named kvs, which is not the real address of this provider.
const address = "registry.terraform.io/hashicorp/kvs"

func main() {
	log.SetFlags(0)
	log.SetPrefix("schemadump: ")
	if err := dump(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func dump(ctx context.Context) error {
	server := providerserver.NewProtocol6(provider.New("dev")())()
	schemas, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return fmt.Errorf("identity schemas: %w", err)
	}
	if err := refused(append(schemas.Diagnostics, identities.Diagnostics...)); err != nil {
		return err
	}

	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(document{
		FormatVersion:   "1.0",
		ProviderSchemas: map[string]providerSchema{address: newProviderSchema(schemas, identities)},
	})
}

func refused(diagnostics []*tfprotov6.Diagnostic) error {
	var errs []error
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			errs = append(errs, fmt.Errorf("%s: %s", d.Summary, d.Detail))
		}
	}
	return errors.Join(errs...)
}
