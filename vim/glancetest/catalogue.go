package glancetest

import "crypto/rand"

// view is a token as clients see it. The caller holds k.mu.
func (k *keystone) view(t token) map[string]any {
	domain := map[string]string{"id": "default", "name": "Default"}
	v := map[string]any{
		"methods":    []string{t.method},
		"issued_at":  t.issued.UTC().Format(keystoneTime),
		"expires_at": t.expires.UTC().Format(keystoneTime),
		"audit_ids":  []string{rand.Text()},
		"user":       map[string]any{"id": idOf("user", t.user.Name), "name": t.user.Name, "domain": domain, "password_expires_at": nil},
	}
	if !t.scoped {
		return v
	}
	role := "member"
	if t.user.Admin {
		role = "admin"
	}
	v["project"] = map[string]any{"id": t.projectID(), "name": t.user.Project, "domain": domain}
	v["roles"] = []any{map[string]string{"id": idOf("role", role), "name": role}}
	v["is_domain"] = false
	v["catalog"] = k.catalogue()
	return v
}

const keystoneTime = "2006-01-02T15:04:05.000000Z"

func (k *keystone) catalogue() []any {
	var identity, image []any
	for _, e := range k.images {
		for _, face := range []string{"public", "internal", "admin"} {
			identity = append(identity, endpointView("keystone", face, e.region, k.authURL))
			image = append(image, endpointView("glance", face, e.region, e.url))
		}
	}
	return []any{
		map[string]any{"type": "identity", "name": "keystone", "id": idOf("service", "keystone"), "endpoints": identity},
		map[string]any{"type": "image", "name": "glance", "id": idOf("service", "glance"), "endpoints": image},
	}
}

func endpointView(service, face, region, url string) map[string]string {
	return map[string]string{
		"id":        idOf("endpoint", service+face+region),
		"interface": face, "region": region, "region_id": region, "url": url,
	}
}
