package ablate

import "math"

// paperLabels are the numbers of labelled images of the paper's tables.
var paperLabels = []int{0, 100, 200, 500, 1000, 2975}

// none marks a figure that the paper does not give.
const none = -1

// paperRows are the paper's mIoU in percent, by the source data set and the name of a
// row, in the order of paperLabels: Tables 1, 3 and 6, and Fig. 5 (0 labels alone).
var paperRows = map[string]map[string][6]float64{

	"gta5": {
		"CT":             {none, 54.5, 58.2, 62.3, 64.6, none},
		"CT + DyCE":      {none, 63.3, 64.5, 65.9, 68.2, none},
		"CT + VLP":       {none, 65.6, 66.8, 69.1, 69.9, none},
		"CT + VLP + DLG": {66.9, 70.3, 71.6, 72.1, 73.9, 74.7},
		"all":            {67.7, 71.1, 72.5, 72.9, 74.8, 75.2},
		"CE":             {66.9, 70.3, 71.6, 72.1, 73.9, 74.4},
		"WCE":            {64.3, 69.4, 70.5, 71.8, 72.7, 73.3},
		"DCE":            {67.1, 70.5, 71.6, 72.3, 73.3, 74.7},
		"FL":             {67.0, 70.4, 71.8, 72.2, 74.1, 74.9},
		"DFL":            {67.3, 70.6, 71.9, 72.2, 74.0, 74.8},
		"WPCT":           {65.1, none, none, none, none, none},
		"VLGA":           {66.3, none, none, none, none, none},
	},
	"synthia": {
		"CT":             {none, 60.2, 65.3, 71.5, 72.0, none},
		"CT + DyCE":      {none, 68.7, 70.1, 72.2, 74.7, none},
		"CT + VLP":       {none, 71.9, 73.0, 74.7, 75.9, none},
		"CT + VLP + DLG": {69.5, 74.9, 76.8, 77.7, 79.2, 79.6},
		"all":            {70.2, 76.9, 77.2, 78.6, 79.7, 80.5},
		"CE":             {69.5, 74.9, 76.8, 77.7, 79.2, 79.6},
		"WCE":            {67.2, 73.1, 74.4, 75.3, 77.6, 78.9},
		"DCE":            {69.7, 75.2, 76.8, 78.1, 79.1, 79.7},
		"FL":             {69.8, 75.4, 76.9, 78.0, 79.3, 79.7},
		"DFL":            {69.9, 75.7, 77.0, 78.2, 78.9, 79.8},
		"WPCT":           {65.8, none, none, none, none, none},
		"VLGA":           {68.3, none, none, none, none, none},
	},
}

// paperDice are the paper's mean Dice in percent of Table 5, with 20 % of the volumes labelled. It
// gives none for V-Net and CPS with DyCE.
var paperDice = map[string]float64{
	"V-Net": 62.1,
	"UA-MT": 20.3, "UA-MT + DyCE": 48.1,
	"URPC": 25.7, "URPC + DyCE": 48.9,
	"CPS":  33.6,
	"DePL": 36.3, "DePL + DyCE": 51.8,
	"DHC": 48.6, "DHC + DyCE": 57.9,
	"A&D": 60.9, "A&D + DyCE": 65.5,
}

// paperFigure is the paper's figure of a row beside so many labels, NaN where it gives none.
func paperFigure(paper, row string, labelled int) float64 {
	if paper == "synapse" {
		if figure, ok := paperDice[row]; ok {
			return figure / 100
		}
		return math.NaN()
	}
	column, _ := paperAt(labelled)
	if figures, ok := paperRows[paper][row]; ok && figures[column] != none {
		return figures[column] / 100
	}
	return math.NaN()
}

// paperAt returns the column of the paper's tables to show beside so many labels: the
// same number, or 100, its smallest above none, where the paper has no such column.
func paperAt(labelled int) (column, labels int) {
	for i, n := range paperLabels {
		if n == labelled {
			return i, n
		}
	}
	return 1, paperLabels[1]
}
