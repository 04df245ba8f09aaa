package vim

import (
	"context"
	"fmt"
	"slices"
)

// Action says where a VDU's image comes from.
type Action string

const (
	// Present: the image is on the VIM, under the name or ID that the VDU asks
	// for or, when adopted, under another.
	Present Action = "present"
	// Joined: somebody else uploads or has just uploaded the image.
	Joined Action = "joined"
	// Uploaded: this launch has uploaded the image.
	Uploaded Action = "uploaded"
	// Planned: this launch has to upload the image.
	Planned Action = "planned"
	// Missing: nobody has the image.
	Missing Action = "missing"
)

// A Result is what a launch comes to, or has come to, on one VIM.
type Result struct {
	VIM     string
	Project Project
	VDUs    []VDU // in the order of the wants; empty if Err is set
	// Err is what kept the VIM from being resolved at all.
	Err error
}

// A VDU is a want with the image that fulfils it.
type VDU struct {
	Name            string
	SoftwareImageID string
	// ImageID is the image's ID on the VIM, empty while planned or missing;
	// ImageName its name there.
	ImageID   string
	ImageName string
	// Size is that of the image in bytes, zero while unknown.
	Size   int64
	Action Action
	// Adopted is set for an image that has our bytes under another name.
	Adopted bool
	// Verified is set when the VIM's own hash proves the bytes to be ours.
	Verified bool
	// Digest is algorithm:hex, as the VIM states it or, while planned, as the
	// repository does; empty if unknown.
	Digest   string
	Warnings []string
	// Err is why the want is not fulfilled: a *MissingError, *MismatchError,
	// *UnverifiedError, *RefusedError and others. It is shared by VDUs that
	// share an image.
	Err error

	offer *Offer // for Planned and Joined
}

// Resolve says how the wants are fulfilled on a VIM and changes nothing there.
// It lists the VIM once, whatever the number of wants. A want takes the first
// of these that any of its alternatives, in their order, offers: an active
// image of that name or ID, an upload of ours that is under way, an image with
// our bytes under another name, an upload.
//
// The error is about the VIM; what is wrong with single wants is in their
// results.
func Resolve(ctx context.Context, c Cloud, wants []Want, o Options) (Result, error) {
	_, result := resolve(ctx, c, wants, o.withDefaults())
	return result, result.Err
}

func resolve(ctx context.Context, c Cloud, wants []Want, o Options) (*inventory, Result) {
	inv, err := takeInventory(ctx, c)
	if err != nil {
		return nil, Result{VIM: c.Name(), Err: err}
	}
	result := Result{VIM: c.Name(), Project: inv.project}
	r := resolver{inv, o}
	for _, want := range wants {
		if err := ctx.Err(); err != nil {
			return nil, Result{VIM: c.Name(), Project: inv.project, Err: err}
		}
		result.VDUs = append(result.VDUs, r.resolve(ctx, want))
	}
	return inv, result
}

type resolver struct {
	*inventory
	options Options
}

func (r resolver) resolve(ctx context.Context, want Want) VDU {
	vdu := VDU{Name: want.VDU, SoftwareImageID: want.SoftwareImageID, Action: Missing}
	missing := &MissingError{VIM: r.cloud.Name(), Project: r.project.Name, VDU: want.VDU}
	if r.present(ctx, want, &vdu, missing) || r.ours(ctx, want, &vdu) {
		return vdu
	}
	var names []string
	for name, images := range r.byName {
		if slices.ContainsFunc(images, usable) {
			names = append(names, name)
		}
	}
	missing.Nearest = nearest(missing.Tried, names)
	vdu.Err = missing
	return vdu
}

// present takes an active image that goes by one of the references. It reports
// whether the want is settled, for good or ill. With RequireDigest an
// alternative that cannot be proven gives way to one that can.
func (r resolver) present(ctx context.Context, want Want, vdu *VDU, missing *MissingError) bool {
	var refused error
	for _, alt := range want.Alternatives {
		found, reasons, err := r.find(ctx, alt.Ref)
		if err != nil {
			vdu.Err = err
			return true
		}
		missing.Tried = append(missing.Tried, alt.Ref)
		missing.Unusable = append(missing.Unusable, reasons...)
		if len(found) == 0 {
			continue
		}
		img, v, err := choose(ctx, alt.Offer, found)
		if err != nil {
			vdu.Err = err
			return true
		}
		err = r.accept(alt.Offer, img, v)
		if err == nil {
			r.take(vdu, alt, img, v, len(found))
			return true
		}
		if refused == nil {
			refused = err
			vdu.Action, vdu.ImageID, vdu.ImageName, vdu.Digest = Present, img.ID, img.Name, stated(img)
		}
	}
	vdu.Err = refused
	return refused != nil
}

// choose takes of several images the one whose bytes are the offer's, else the
// first that may be, else the first.
func choose(ctx context.Context, o *Offer, found []Image) (Image, verdict, error) {
	if o == nil || o.Pin != nil {
		return found[0], verdict{unknown: "the repository does not hold its bytes"}, nil
	}
	best, verdictOfBest := -1, verdict{}
	for i, img := range found {
		v, err := compare(ctx, o, img, nil)
		if err != nil {
			return Image{}, verdict{}, err
		}
		if v.equal {
			return img, v, nil
		}
		if best < 0 || verdictOfBest.differs() && !v.differs() {
			best, verdictOfBest = i, v
		}
	}
	return found[best], verdictOfBest, nil
}

// accept returns why an image will not do.
func (r resolver) accept(o *Offer, img Image, v verdict) error {
	if !r.options.RequireDigest || o == nil || v.equal {
		return nil
	}
	return notEqual(r.cloud.Name(), img, v)
}

// notEqual is the error for a verdict that is not equality.
func notEqual(vim string, img Image, v verdict) error {
	if v.unknown != "" {
		return &UnverifiedError{VIM: vim, Image: img, Reason: v.unknown}
	}
	return &MismatchError{VIM: vim, Image: img, Attribute: v.attribute, Want: v.want, Got: v.got}
}

func (r resolver) take(vdu *VDU, alt Alternative, img Image, v verdict, found int) {
	vdu.Action, vdu.ImageID, vdu.ImageName, vdu.Size = Present, img.ID, img.Name, max(0, img.Size)
	vdu.Verified, vdu.Digest = v.equal, stated(img)
	if found > 1 && !v.equal {
		vdu.warn("%d images go by %q; took %s", found, alt.Ref, img.ID)
	}
	if alt.Offer == nil || alt.Offer.Pin != nil {
		return
	}
	if !v.equal {
		vdu.Warnings = append(vdu.Warnings, notEqual(r.cloud.Name(), img, v).Error())
	}
	if img.DiskFormat != alt.Offer.DiskFormat {
		vdu.warn("image %q (%s) is %s on the vim, and %s in the package", img.Name, img.ID, img.DiskFormat, alt.Offer.DiskFormat)
	}
}

// ours settles the want with an image that the repository offers.
func (r resolver) ours(ctx context.Context, want Want, vdu *VDU) bool {
	var offers []*Offer
	for _, alt := range want.Alternatives {
		if alt.Offer != nil {
			offers = append(offers, alt.Offer)
		}
	}
	for _, o := range offers {
		if o.Pin != nil {
			continue
		}
		if img, ok := r.joinable(o); ok {
			vdu.Action, vdu.ImageID, vdu.ImageName, vdu.Size = Joined, img.ID, img.Name, o.Size
			vdu.Digest, vdu.offer = "sha256:"+o.SHA256, o
			return true
		}
	}
	for _, o := range offers {
		if o.Pin != nil {
			continue
		}
		img, ok, err := r.adoptable(ctx, o)
		if err != nil {
			vdu.Err = err
			return true
		}
		if ok {
			vdu.Action, vdu.ImageID, vdu.ImageName, vdu.Size = Present, img.ID, img.Name, max(0, img.Size)
			vdu.Adopted, vdu.Verified, vdu.Digest = true, true, stated(img)
			return true
		}
	}
	if len(offers) == 0 {
		return false
	}
	o := offers[0]
	vdu.Action, vdu.ImageName, vdu.Size, vdu.offer = Planned, o.Name, o.Size, o
	if o.Pin == nil {
		vdu.Digest = "sha256:" + o.SHA256
	}
	return true
}

func (v *VDU) warn(format string, args ...any) {
	v.Warnings = append(v.Warnings, fmt.Sprintf(format, args...))
}

// stated is an image's hash in the form algorithm:hex.
func stated(img Image) string {
	algorithm, hex := img.digest()
	if algorithm == "" {
		return ""
	}
	return algorithm + ":" + hex
}
