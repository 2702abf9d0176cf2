// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Attachment attaches an add-on to an app under a name: the name FOO sets the config var FOO_URL on that app
// (Platform API reference, add-on attachments). It cannot be changed, only created and deleted.
type Attachment struct {
	ID           AttachmentID
	Name         string
	AppID        AppID // the app that the add-on is attached to
	AppName      string
	AddOnID      AddOnID
	AddOnName    string
	Plan         string // of the add-on: "heroku-redis:premium-0"; empty when Heroku does not say
	OwnerAppID   AppID  // the app that owns the add-on
	OwnerAppName string
	CreatedAt    string   // RFC 3339
	ConfigVars   []string // names on the app AppID
}

// AttachmentNamed returns the first of these attachments that has the name, or nil. Within an app a name is unique.
func AttachmentNamed(attachments []Attachment, name string) *Attachment {
	i := slices.IndexFunc(attachments, func(a Attachment) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &attachments[i]
}

// AttachmentCreate holds the parameters of [Client.CreateAttachment]. Heroku chooses the name if Name is empty. Confirm is the
// name of the app to attach to; it makes Heroku replace an existing attachment of the same name.
type AttachmentCreate struct {
	AddOn   AddOnID
	App     AppID
	Name    string
	Confirm string
}

type wireAttachment struct {
	ID         text  `json:"id"`
	Name       text  `json:"name"`
	App        ref   `json:"app"`
	CreatedAt  text  `json:"created_at"`
	ConfigVars names `json:"config_vars"`
	AddOn      struct {
		ID   text `json:"id"`
		Name text `json:"name"`
		Plan ref  `json:"plan"`
		App  ref  `json:"app"`
	} `json:"addon"`
}

func (w wireAttachment) value() (Attachment, error) {
	if w.ID == "" || w.Name == "" || w.AddOn.ID == "" {
		return Attachment{}, missing("attachment id, name and add-on")
	}
	return Attachment{
		ID:           AttachmentID(w.ID),
		Name:         string(w.Name),
		AppID:        AppID(w.App.ID),
		AppName:      string(w.App.Name),
		AddOnID:      AddOnID(w.AddOn.ID),
		AddOnName:    string(w.AddOn.Name),
		Plan:         string(w.AddOn.Plan.Name),
		OwnerAppID:   AppID(w.AddOn.App.ID),
		OwnerAppName: string(w.AddOn.App.Name),
		CreatedAt:    string(w.CreatedAt),
		ConfigVars:   w.ConfigVars,
	}, nil
}

// withInclusions makes Heroku include the names of the config vars, and the add-on's plan, which begins with the service name.
func withInclusions(k call) call { return k.withHeader("Accept-Inclusion", "addon:plan,config_vars") }

func attachmentID(a Attachment) string     { return string(a.ID) }
func attachmentName(a Attachment) string   { return a.Name }
func attachmentApp(a Attachment) AppID     { return a.AppID }
func attachmentAddOn(a Attachment) AddOnID { return a.AddOnID }

// Attachment returns an attachment by id. The read is shared.
func (c *Client) Attachment(ctx context.Context, id AttachmentID) (Attachment, error) {
	return c.attachments.Get(ctx, id)
}

func (c *Client) getAttachment(ctx context.Context, id AttachmentID) (Attachment, error) {
	a, _, err := exchange(ctx, c, withInclusions(c.get("addon-attachments", string(id))),
		requireID(id, func(a Attachment) AttachmentID { return a.ID }, decodeOne[wireAttachment]))
	return a, err
}

// attachmentList is the last list of all attachments. The batches by id, by app and by add-on share it.
type attachmentList struct {
	turn        chan struct{} // a lock, held while the list is read
	all         map[AttachmentID]Attachment
	requestedAt moment
}

func (c *Client) allAttachments(ctx context.Context) (map[AttachmentID]Attachment, error) {
	list := &c.attachmentList
	select {
	case list.turn <- struct{}{}:
		defer func() { <-list.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if list.all != nil && c.isFresh(list.requestedAt) && c.clock.Now().Sub(list.requestedAt.at) < cacheTTLAfterWrite {
		return list.all, nil
	}
	requestedAt := c.now()
	all, err := index(ctx, c, withInclusions(c.get("addon-attachments")), decodeMany[wireAttachment],
		func(a Attachment) AttachmentID { return a.ID })
	if err == nil {
		list.all, list.requestedAt = all, requestedAt
	}
	return all, err
}

// AppAttachments lists the attachments on an app, of its own add-ons and of others.
func (c *Client) AppAttachments(ctx context.Context, id AppID) ([]Attachment, error) {
	return list(ctx, c, withInclusions(c.get("apps", string(id), "addon-attachments")),
		requireEachID(id, attachmentApp, decodeMany[wireAttachment]), attachmentID)
}

// AttachmentsOn returns the attachments on an app like [Client.AppAttachments], but the read is shared.
func (c *Client) AttachmentsOn(ctx context.Context, id AppID) ([]Attachment, error) {
	return c.attachmentsByApp.Get(ctx, id)
}

// CachedAttachmentsOn returns the attachments on an app as this client has once read them, however long ago.
func (c *Client) CachedAttachmentsOn(ctx context.Context, id AppID) ([]Attachment, error) {
	return c.attachmentsByApp.GetCached(ctx, id)
}

// AttachedApp is an app that an add-on is attached to.
type AttachedApp struct {
	App, As    string   // names of the app and of the attachment
	ConfigVars []string // names of the config vars that the attachment sets
}

// AttachedApps returns the apps that an add-on is attached to. The read is shared.
func (c *Client) AttachedApps(ctx context.Context, id AddOnID) ([]AttachedApp, error) {
	return c.appsByAddOn.Get(ctx, id)
}

func (c *Client) getAttachedApps(ctx context.Context, id AddOnID) ([]AttachedApp, error) {
	attachments, err := c.AddOnAttachments(ctx, id)
	var apps []AttachedApp
	for _, a := range attachments {
		apps = append(apps, AttachedApp{a.AppName, a.Name, a.ConfigVars})
	}
	return apps, err
}

func (c *Client) allAttachmentsByApp(ctx context.Context) (map[AppID][]Attachment, error) {
	all, err := c.allAttachments(ctx)
	byApp := make(map[AppID][]Attachment)
	for _, a := range all {
		byApp[a.AppID] = append(byApp[a.AppID], a)
	}
	return byApp, err
}

func (c *Client) allAttachedApps(ctx context.Context) (map[AddOnID][]AttachedApp, error) {
	all, err := c.allAttachments(ctx)
	byAddOn := make(map[AddOnID][]AttachedApp)
	for _, a := range all {
		byAddOn[a.AddOnID] = append(byAddOn[a.AddOnID], AttachedApp{a.AppName, a.Name, a.ConfigVars})
	}
	return byAddOn, err
}

// AppAttachment returns the attachment with this name on an app (id or name).
func (c *Client) AppAttachment(ctx context.Context, app, name string) (Attachment, error) {
	a, _, err := exchange(ctx, c, withInclusions(c.get("apps", app, "addon-attachments", name)),
		requireID(AppID(app), attachmentApp, requireName(name, attachmentName, decodeOne[wireAttachment])))
	return a, err
}

// AddOnAttachments lists the attachments of an add-on, on all apps.
func (c *Client) AddOnAttachments(ctx context.Context, id AddOnID) ([]Attachment, error) {
	return list(ctx, c, withInclusions(c.get("addons", string(id), "addon-attachments")),
		requireEachID(id, attachmentAddOn, decodeMany[wireAttachment]), attachmentID)
}

// CreateAttachment attaches an add-on to an app. Creations on one app run one after the other. Once sent, the request is not
// cancelled with ctx.
func (c *Client) CreateAttachment(ctx context.Context, a AttachmentCreate) (Attachment, error) {
	release, err := c.creating.acquire(ctx, a.App)
	if err != nil {
		return Attachment{}, err
	}
	defer release()

	find, err := c.attachmentFinder(ctx, a)
	if err != nil {
		return Attachment{}, err
	}
	body := map[string]string{"addon": string(a.AddOn), "app": string(a.App)}
	if a.Name != "" {
		body["name"] = a.Name
	}
	if a.Confirm != "" {
		body["confirm"] = a.Confirm
	}
	k := withInclusions(c.post(body, "addon-attachments"))
	k.app = a.App
	return nonIdempotentPost[Attachment]{
		what: "attachment " + a.Name, call: k, decode: a.decodeCreated, find: find,
		check: func(found Attachment) error {
			if found.AddOnID != a.AddOn {
				return fmt.Errorf("the attachment %s is one of add-on %s", found.Name, found.AddOnName)
			}
			return nil
		},
	}.send(ctx, c)
}

// attachmentFinder returns a function that finds an attachment after the response to its creation was lost: by its name, or, when
// Heroku chooses the name, by comparing the app's attachments with those before the creation.
func (c *Client) attachmentFinder(ctx context.Context, a AttachmentCreate) (func(context.Context) (Attachment, error), error) {
	if a.Name != "" {
		return func(ctx context.Context) (Attachment, error) {
			found, err := c.AppAttachment(ctx, string(a.App), a.Name)
			if err == nil && a.Confirm != "" && found.AddOnID != a.AddOn {
				return found, errAbsent // the attachment that was to be replaced is still there
			}
			return found, err
		}, nil
	}
	before, err := c.attachedTo(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("listing the app's attachments before adding one: %w", err)
	}
	return func(ctx context.Context) (Attachment, error) {
		after, err := c.attachedTo(ctx, a)
		if err != nil {
			return Attachment{}, err
		}
		for id := range before {
			delete(after, id)
		}
		switch len(after) {
		case 0:
			return Attachment{}, errAbsent
		case 1:
			for _, found := range after {
				return found, nil
			}
		}
		return Attachment{}, errors.New("several attachments of the add-on appeared at once")
	}, nil
}

// attachedTo lists the attachments of the add-on on the app.
func (c *Client) attachedTo(ctx context.Context, a AttachmentCreate) (map[AttachmentID]Attachment, error) {
	all, err := c.AppAttachments(ctx, a.App)
	found := make(map[AttachmentID]Attachment)
	for _, x := range all {
		if x.AddOnID == a.AddOn {
			found[x.ID] = x
		}
	}
	return found, err
}

// DeleteAttachment deletes an attachment; one that does not exist is no error. Heroku refuses to delete an add-on's last
// attachment on the app that owns the add-on.
func (c *Client) DeleteAttachment(ctx context.Context, id AttachmentID) error {
	_, err := c.remove(ctx, "addon-attachments", string(id))
	return err
}

// decodeCreated decodes the created attachment. It refuses one of another add-on, on another app or under another name.
func (a AttachmentCreate) decodeCreated(body []byte) (Attachment, error) {
	decode := requireName(a.Name, attachmentName, decodeOne[wireAttachment])
	return requireID(a.App, attachmentApp, requireID(a.AddOn, attachmentAddOn, decode))(body)
}
