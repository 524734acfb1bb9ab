"""Features of pictures, their statistics, and the numbers made of them: FID, IS, KID, P/R/D/C, diversity."""
