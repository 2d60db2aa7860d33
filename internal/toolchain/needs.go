package toolchain

import "fmt"

// needs gives the recipes that a recipe needs, those that they need included, each once and after
// what it needs itself.
func (t *Toolchain) needs(r *Recipe) ([]*Recipe, error) {
	var list []*Recipe
	state := map[string]bool{r.Name: false} // true: in the list, false: being looked at
	var visit func(r *Recipe) error
	visit = func(r *Recipe) error {
		for _, name := range r.Needs {
			done, seen := state[name]
			if done {
				continue
			}
			if seen {
				return fmt.Errorf("recipe %s needs %s, which needs it", r.Name, name)
			}
			state[name] = false
			n, err := t.Recipe(name)
			if err != nil {
				return fmt.Errorf("recipe %s needs: %w", r.Name, err)
			}
			if err := visit(n); err != nil {
				return err
			}
			state[name] = true
			list = append(list, n)
		}
		return nil
	}
	return list, visit(r)
}
