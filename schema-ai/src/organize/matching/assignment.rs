//! The assignment of rows to columns with the highest sum: the Hungarian method in its O(n²m) form.

/// Pairs of row and column.
pub fn best(scores: &[Vec<f64>]) -> Vec<(usize, usize)> {
    let rows = scores.len();
    let columns = scores.first().map_or(0, Vec::len);
    if rows == 0 || columns == 0 {
        return Vec::new();
    }
    if rows > columns {
        let turned: Vec<Vec<f64>> = (0..columns).map(|column| scores.iter().map(|row| row[column]).collect()).collect();
        return best(&turned).into_iter().map(|(column, row)| (row, column)).collect();
    }
    let mut state = State { row_of: vec![0; columns + 1], way: vec![0; columns + 1], u: vec![0.0; rows + 1], v: vec![0.0; columns + 1] };
    for row in 1..=rows {
        state.place(row, scores);
    }
    (1..=columns).filter(|column| state.row_of[*column] > 0).map(|column| (state.row_of[column] - 1, column - 1)).collect()
}

struct State {
    row_of: Vec<usize>,
    way: Vec<usize>,
    u: Vec<f64>,
    v: Vec<f64>,
}

impl State {
    fn place(&mut self, row: usize, scores: &[Vec<f64>]) {
        let columns = self.v.len() - 1;
        self.row_of[0] = row;
        let mut at = 0;
        let mut least = vec![f64::INFINITY; columns + 1];
        let mut used = vec![false; columns + 1];
        while self.row_of[at] != 0 {
            used[at] = true;
            let current = self.row_of[at];
            let (mut delta, mut next) = (f64::INFINITY, 0);
            for column in (1..=columns).filter(|column| !used[*column]) {
                let cost = -scores[current - 1][column - 1] - self.u[current] - self.v[column];
                if cost < least[column] {
                    least[column] = cost;
                    self.way[column] = at;
                }
                if least[column] < delta {
                    delta = least[column];
                    next = column;
                }
            }
            for column in 0..=columns {
                if used[column] {
                    self.u[self.row_of[column]] += delta;
                    self.v[column] -= delta;
                } else {
                    least[column] -= delta;
                }
            }
            at = next;
        }
        while at != 0 {
            let before = self.way[at];
            self.row_of[at] = self.row_of[before];
            at = before;
        }
    }
}
