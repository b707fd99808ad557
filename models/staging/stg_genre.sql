{{ approved_rows(ref('genre')) }}
