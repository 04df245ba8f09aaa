package openbaton

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/tosca"
)

// vnfPackage is a package as Open Baton lists and shows it.
type vnfPackage struct {
	ID                string               `json:"id"`
	ProjectID         string               `json:"projectId"`
	Name              string               `json:"name"`
	Vendor            string               `json:"vendor"`
	VNFPackageVersion string               `json:"vnfPackageVersion"`
	Description       string               `json:"description,omitempty"`
	NFVOVersion       string               `json:"nfvo_version,omitempty"`
	VIMTypes          []string             `json:"vimTypes"`
	Images            []imagerepo.ImageRef `json:"images"`
	ScriptsLink       string               `json:"scriptsLink,omitempty"`
	Scripts           []script             `json:"scripts"`
	Created           time.Time            `json:"created"`
}

// script is a script of a package, without its text.
type script struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Path string `json:"path"`
}

func newPackage(r vnfpkg.Resource, model *tosca.Package) vnfPackage {
	p := vnfPackage{
		ID: r.ID, ProjectID: r.Project, Name: model.Name, Vendor: model.Vendor, VNFPackageVersion: model.Version,
		Description: model.Description, NFVOVersion: model.NFVOVersion, VIMTypes: append([]string{}, model.VIMTypes...),
		Images: append([]imagerepo.ImageRef{}, r.Package.Images...), ScriptsLink: model.ScriptsLink, Scripts: []script{}, Created: r.CreatedAt,
	}
	for _, f := range model.Files {
		if f.Role == tosca.RoleScript {
			p.Scripts = append(p.Scripts, script{ID: scriptID(r.ID, f.Path), Name: path.Base(f.Path), Path: f.Path})
		}
	}
	return p
}

// members returns the package as its JSON is read again.
func (p vnfPackage) members() (has map[string]any, err error) {
	text, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(text, &has)
	}
	return has, err
}

// uses reports whether the package uses an image with what is said of it.
func (p vnfPackage) uses(id, name any) bool {
	return slices.ContainsFunc(p.Images, func(ref imagerepo.ImageRef) bool {
		return (id == nil || id == ref.ID) && (name == nil || name == ref.Name)
	})
}

// scriptID is the same whenever it is asked for, and no other script's.
func scriptID(pkg, file string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(pkg+"/"+file)).String()
}

// descriptor returns the VNFD of a package as Open Baton has it: the JSON of the
// package whole, where that is its form, or else what the model says.
func (d *door) descriptor(ctx context.Context, id string) (map[string]any, error) {
	r, model, err := d.get(ctx, id)
	if err != nil {
		return nil, err
	}
	vnfd := map[string]any{}
	if model.Dialect == tosca.OpenBatonTar {
		files, err := d.Packages.Descriptors(ctx, r.Project, id)
		if err != nil && !errors.Is(err, vnfpkg.ErrNotKept) {
			return nil, err
		}
		if len(files) > 0 {
			decoder := json.NewDecoder(bytes.NewReader(files[0].Content))
			decoder.UseNumber()
			if decoder.Decode(&vnfd) != nil || vnfd == nil {
				vnfd = map[string]any{}
			}
		}
	}
	vdus, _ := vnfd["vdu"].([]any)
	if len(vdus) != len(model.VDUs) {
		vdus = make([]any, len(model.VDUs))
	}
	for i, known := range model.VDUs {
		vdu, _ := vdus[i].(map[string]any)
		if vdu == nil {
			vdu = map[string]any{"name": known.Name}
		}
		// A VDU that names no image takes those of the metadata.
		if named, _ := vdu["vm_image"].([]any); len(named) == 0 {
			vdu["vm_image"] = append([]string{}, known.Images...)
		}
		vdus[i] = vdu
	}
	vnfd["vdu"] = vdus
	for name, value := range map[string]string{"name": model.Name, "vendor": model.Vendor, "version": model.Version} {
		if vnfd[name] == nil {
			vnfd[name] = value
		}
	}
	vnfd["id"], vnfd["projectId"], vnfd["vnfPackageLocation"] = r.ID, r.Project, r.ID
	return vnfd, nil
}
