package metrics

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"semidavil"
)

// OrganReport are the scores of volumes by each rule.
type OrganReport map[OrganRule]OrganSummary

// organHead are the columns of a table by a rule.
func organHead(rule OrganRule) []string {
	unit := "mm"
	if rule == Compat {
		unit = "voxels"
	}
	return []string{fmt.Sprintf("%s: Dice %%", rule), "ASD " + unit}
}

// rows are the cells of a table, the titles first and the mean last.
func (r OrganReport) rows(set semidavil.ClassSet) [][]string {
	head := []string{"organ"}
	var rules []OrganRule
	for _, rule := range OrganRules {
		if _, ok := r[rule]; ok {
			rules = append(rules, rule)
			head = append(head, organHead(rule)...)
		}
	}
	rows := [][]string{head}
	add := func(name string, of func(OrganSummary) OrganMean) {
		row := []string{name}
		for _, rule := range rules {
			m := of(r[rule])
			row = append(row, m.Dice.String(), m.ASD.String())
		}
		rows = append(rows, row)
	}
	for k, class := range set.Classes[1:] {
		add(class.Name, func(s OrganSummary) OrganMean { return s.Organs[k] })
	}
	add("mean", func(s OrganSummary) OrganMean { return s.Mean })
	return rows
}

// Check reports scores that do not belong to the classes.
func (r OrganReport) Check(set semidavil.ClassSet) error {
	for rule, s := range r {
		if len(s.Organs) != set.Len()-1 {
			return fmt.Errorf("metrics: scores of %d organs by the rule %s, of a class set with %d", len(s.Organs), rule, set.Len()-1)
		}
	}
	return nil
}

// Text is a table for a terminal.
func (r OrganReport) Text(set semidavil.ClassSet) (string, error) {
	if err := r.Check(set); err != nil {
		return "", err
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range r.rows(set) {
		fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	return b.String(), nil
}

// Markdown is a table with an explanation of the rules.
func (r OrganReport) Markdown(set semidavil.ClassSet) (string, error) {
	if err := r.Check(set); err != nil {
		return "", err
	}
	var b strings.Builder
	for i, row := range r.rows(set) {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString("|---|" + strings.Repeat("---:|", len(row)-1) + "\n")
		}
	}
	fmt.Fprintf(&b, "\n%s", organLegend)
	return b.String(), nil
}

const organLegend = `- Dice: 2|P∩G| / (|P|+|G|), a mean over the volumes. ASD: average distance of the prediction's surface from the label's.
- compat: as the scripts of DHC and GenericSSL print it: voxels; an organ that only one has scores 0 and 128, one that
  neither has 1 out of 100 and 0.
- strict: millimetres; an organ that neither has scores 100, one that only one has 0 and no distance.
`
