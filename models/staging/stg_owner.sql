{{ approved_rows(ref('owner')) }}
