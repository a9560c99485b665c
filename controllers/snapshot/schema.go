package snapshot

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/config/crd"
)

// routeSchema defaults and validates WebSocketRoutes with the schema of the CustomResourceDefinition,
// by the API server's own code, so that a manifest means the same here and in a cluster.
type routeSchema struct {
	structural *schema.Structural
	openAPI    validation.SchemaValidator
	rules      *cel.Validator
}

// newRouteSchema compiles the schema of v1alpha1, once: that takes longer than to read many files.
var newRouteSchema = sync.OnceValues(compileRouteSchema)

func compileRouteSchema() (*routeSchema, error) {
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(crd.WebSocketRoutes, &definition); err != nil {
		return nil, err
	}
	for _, v := range definition.Spec.Versions {
		if v.Name != v1alpha1.GroupVersion.Version {
			continue
		}
		var props apiextensions.CustomResourceValidation
		if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(v.Schema, &props, nil); err != nil {
			return nil, err
		}
		structural, err := schema.NewStructural(props.OpenAPIV3Schema)
		if err != nil {
			return nil, err
		}
		openAPI, _, err := validation.NewSchemaValidator(props.OpenAPIV3Schema)
		if err != nil {
			return nil, err
		}
		return &routeSchema{structural, openAPI, cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
	}
	return nil, fmt.Errorf("no version %s", v1alpha1.GroupVersion.Version)
}

// decode turns the JSON value of a manifest into a route, in the order in which an API server works:
// unknown fields, defaults, schema, lists, CEL rules.
func (s *routeSchema) decode(content map[string]any) (*v1alpha1.WebSocketRoute, field.ErrorList) {
	delete(content, "status") // an API server ignores it on creation
	var errs field.ErrorList
	meta := content["metadata"] // its own strict decoding follows; pruning would not know it
	track := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(content, s.structural, true, track) {
		errs = append(errs, &field.Error{Type: field.ErrorTypeForbidden, Field: path, Detail: "unknown field"})
	}
	content["metadata"] = meta
	defaulting.PruneNonNullableNullsWithoutDefaults(content, s.structural)
	defaulting.Default(content, s.structural)

	errs = append(errs, validation.ValidateCustomResource(nil, content, s.openAPI)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, content)...)
	if len(errs) == 0 && s.rules != nil { // the rules may rely on what the schema promises
		broken, _ := s.rules.Validate(context.Background(), nil, s.structural, content, nil, celconfig.RuntimeCELCostBudget)
		errs = append(errs, broken...)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	route := &v1alpha1.WebSocketRoute{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(content, route, true); err != nil {
		return nil, strictErrors(err)
	}
	return route, nil
}

// strictErrors gives each complaint of a strict decoding its own entry.
func strictErrors(err error) field.ErrorList {
	var strict interface{ Errors() []error }
	all := []error{err}
	if errors.As(err, &strict) {
		all = strict.Errors()
	}
	var list field.ErrorList
	for _, e := range all {
		list = append(list, decodeError(e))
	}
	return list
}
