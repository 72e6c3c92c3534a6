namespace PcieOe.Transport.Policies.Gatekeeper;

/// <summary>Divides a capacity among those who ask: to each what it is guaranteed and asks for, the rest by weight among those who ask for more.</summary>
internal static class BandwidthDivision
{
    /// <summary>After so many rounds what is left over is too little to matter.</summary>
    private const int MaximumRounds = 16;

    /// <summary>All spans are of one length, in one unit; weights are above 0. Writes who gets how much to <paramref name="shares"/>.</summary>
    internal static void Divide(double capacity, ReadOnlySpan<double> demands, ReadOnlySpan<double> minima, ReadOnlySpan<double> weights, Span<double> shares)
    {
        double rest = capacity;
        for (int i = 0; i < shares.Length; i++)
        {
            shares[i] = Math.Min(demands[i], minima[i]);
            rest -= shares[i];
        }

        for (int round = 0; round < MaximumRounds && rest > 0; round++)
        {
            double asking = 0;
            for (int i = 0; i < shares.Length; i++)
            {
                asking += demands[i] > shares[i] ? weights[i] : 0;
            }

            if (asking == 0)
            {
                return;
            }

            double forEach = rest / asking;
            bool isAnySatisfied = false;
            for (int i = 0; i < shares.Length; i++)
            {
                double more = demands[i] - shares[i];
                if (more <= 0)
                {
                    continue;
                }

                double given = forEach * weights[i];
                isAnySatisfied |= given >= more;
                given = Math.Min(given, more);
                shares[i] += given;
                rest -= given;
            }

            if (!isAnySatisfied)
            {
                return;
            }
        }
    }
}
