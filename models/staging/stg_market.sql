{{ approved_rows(ref('market')) }}
