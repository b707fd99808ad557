{{ approved_rows(ref('category')) }}
