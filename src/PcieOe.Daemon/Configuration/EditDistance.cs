namespace PcieOe.Daemon.Configuration;

/// <summary>How many letters must change to make one word of another, regardless of case (Levenshtein).</summary>
internal static class EditDistance
{
    public static int Between(string left, string right)
    {
        int[] row = new int[right.Length + 1];
        for (int column = 0; column < row.Length; column++)
        {
            row[column] = column;
        }

        for (int line = 1; line <= left.Length; line++)
        {
            int diagonal = row[0];
            row[0] = line;
            for (int column = 1; column <= right.Length; column++)
            {
                bool isSame = char.ToLowerInvariant(left[line - 1]) == char.ToLowerInvariant(right[column - 1]);
                int cost = diagonal + (isSame ? 0 : 1);
                diagonal = row[column];
                row[column] = Math.Min(cost, Math.Min(row[column], row[column - 1]) + 1);
            }
        }

        return row[^1];
    }
}
