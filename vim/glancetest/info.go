package glancetest

import "net/http"

// versions is the answer of GET / and GET /versions.
func (g *Glance) versions() map[string]any {
	var all []any
	for i, id := range []string{"v2.15", "v2.9", "v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0"} {
		status := "SUPPORTED"
		if i == 0 {
			status = "CURRENT"
		}
		all = append(all, map[string]any{
			"id": id, "status": status,
			"links": []any{map[string]string{"rel": "self", "href": g.URL + "/v2/"}},
		})
	}
	return map[string]any{"versions": all}
}

// showImport is GET /v2/info/import: no method is offered, as none is here.
func (g *Glance) showImport(x *exchange) error {
	return reply(x.w, http.StatusOK, map[string]any{"import-methods": map[string]any{
		"description": "Import methods available.", "type": "array", "value": []string{},
	}})
}

// showStores is GET /v2/info/stores.
func (g *Glance) showStores(x *exchange) error {
	return reply(x.w, http.StatusOK, map[string]any{
		"stores": []any{map[string]string{"id": "local", "default": "true"}},
	})
}

// showUsage is GET /v2/info/usage. It is empty, as everywhere where quotas are
// not kept in Keystone (use_keystone_limits).
func (g *Glance) showUsage(x *exchange) error {
	return reply(x.w, http.StatusOK, map[string]any{"usage": map[string]any{}})
}
