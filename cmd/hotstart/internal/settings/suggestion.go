package settings

import "fmt"

// suggestion asks whether the nearest of the known names was meant. It is empty
// if no name is near. prefix is shown before the name.
func suggestion(name string, known []string, prefix string) string {
	near, least := "", 1+len(name)/3
	for _, k := range known {
		if d := distance(name, k); d <= least {
			near, least = k, d-1
		}
	}
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", prefix+near)
}

// distance counts the letters to add, remove, replace, or swap with the next one.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
