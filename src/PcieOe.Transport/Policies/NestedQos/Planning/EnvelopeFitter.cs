namespace PcieOe.Transport.Policies.NestedQos.Planning;

/// <summary>A command of a trace: when it came, and what it costs in units of 4 KiB.</summary>
public readonly record struct PlannedArrival(long Nanoseconds, int Units);

/// <summary>What is asked of a class: this part of all commands (those of tighter classes included) within this time.</summary>
/// <param name="Fraction">Above 0, at most 1; must not fall from one class to the next.</param>
/// <param name="ResponseMilliseconds">Must not fall, either.</param>
public readonly record struct ClassTarget(double Fraction, double ResponseMilliseconds);

/// <summary>Envelopes that hold a trace, and what they take.</summary>
/// <param name="Fractions">Of all commands, the part that classification puts into each class or a tighter one: what was asked, or more.</param>
/// <param name="SingleClassCapacity">
/// The least capacity, units a second, at which one class gives the last target's part of the commands the first target's time.
/// </param>
public sealed record EnvelopeFit(NestedQosTenantOptions Tenant, IReadOnlyList<double> Fractions, double SingleClassCapacity);

/// <summary>
/// Finds classes that hold asked parts of a trace and take little capacity. For one class: the smallest C such that an envelope of rate C
/// and burst C x response holds enough, since every envelope that C serves lies within that one. A wider class needs at least the
/// smallest C at which some rate up to it, with the burst that C then allows, holds enough. The largest of these is what all of them may
/// take: within it each class gets the lowest rate, and then the smallest burst, that hold enough.
/// </summary>
public sealed class EnvelopeFitter
{
    private const double Precision = 0.002;
    private const double Allowance = 1.02;
    private const int Rates = 24;
    private const int MaximumCorrections = 200;

    private readonly PlannedArrival[] _arrivals;
    private readonly double _slowestRate;

    /// <param name="arrivals">In order of time; at least one.</param>
    public EnvelopeFitter(PlannedArrival[] arrivals)
    {
        ArgumentOutOfRangeException.ThrowIfZero(arrivals.Length);
        _arrivals = arrivals;
        double seconds = Math.Max(1e-3, (arrivals[^1].Nanoseconds - arrivals[0].Nanoseconds) / 1e9);
        _slowestRate = arrivals.Sum(arrival => (double)arrival.Units) / seconds / 4;
    }

    public EnvelopeFit Fit(IReadOnlyList<ClassTarget> targets)
    {
        double first = targets[0].ResponseMilliseconds / 1000;
        double capacity = Allowance * targets.Max(target => LeastCapacity(target.Fraction, target.ResponseMilliseconds / 1000, first));
        List<NestedQosClassOptions>? classes;
        while ((classes = FitWithin(capacity, targets)) is null)
        {
            capacity *= Allowance;
        }

        double[] fractions = Correct(classes, targets);
        return new EnvelopeFit(new NestedQosTenantOptions { Name = "tenant", Classes = classes }, fractions, LeastSingleCapacity(targets[^1].Fraction, targets[0].ResponseMilliseconds));
    }

    /// <summary>The least capacity at which one class gives a part of all commands a response time.</summary>
    public double LeastSingleCapacity(double fraction, double responseMilliseconds) =>
        LeastCapacity(fraction, responseMilliseconds / 1000, responseMilliseconds / 1000);

    /// <summary>Null: the classes need more capacity.</summary>
    private List<NestedQosClassOptions>? FitWithin(double capacity, IReadOnlyList<ClassTarget> targets)
    {
        double first = targets[0].ResponseMilliseconds / 1000, rate = 0, burst = 1;
        List<NestedQosClassOptions> classes = [];
        foreach (ClassTarget target in targets)
        {
            double response = target.ResponseMilliseconds / 1000;
            if (!TryFindRate(capacity, target.Fraction, response, first, rate, out rate))
            {
                return null;
            }

            rate = Math.Ceiling(rate);
            burst = SmallestBurst(burst, Math.Max(burst, capacity * response - rate * (response - first)), rate, target.Fraction);
            classes.Add(new NestedQosClassOptions
            {
                Name = $"class{classes.Count + 1}",
                BurstUnits = burst,
                UnitsPerSecond = rate,
                ResponseMilliseconds = target.ResponseMilliseconds,
            });
        }

        return classes;
    }

    private double LeastCapacity(double fraction, double response, double first)
    {
        double high = 1 / response;
        while (!TryFindRate(high, fraction, response, first, 0, out _))
        {
            high *= 2;
        }

        double low = high / 2;
        while (high - low > Precision * high)
        {
            double middle = (low + high) / 2;
            if (TryFindRate(middle, fraction, response, first, 0, out _))
            {
                high = middle;
            }
            else
            {
                low = middle;
            }
        }

        return high;
    }

    /// <summary>The lowest rate that holds enough with the burst that the capacity then allows.</summary>
    private bool TryFindRate(double capacity, double fraction, double response, double first, double leastRate, out double rate)
    {
        double slowest = Math.Min(capacity, Math.Max(leastRate, _slowestRate));
        for (int i = 0; i <= Rates; i++)
        {
            rate = slowest * Math.Pow(capacity / slowest, i / (double)Rates);
            if (rate >= leastRate && Held(capacity * response - rate * (response - first), rate) >= fraction)
            {
                return true;
            }
        }

        rate = 0;
        return false;
    }

    private double SmallestBurst(double low, double high, double rate, double fraction)
    {
        low = Math.Ceiling(low);
        high = Math.Ceiling(high);
        while (low < high)
        {
            double middle = Math.Floor((low + high) / 2);
            if (Held(middle, rate) >= fraction)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return high;
    }

    /// <summary>The part of all commands that an envelope alone holds.</summary>
    private double Held(double burst, double rate)
    {
        double tokens = burst, perNanosecond = rate / 1e9;
        long last = _arrivals[0].Nanoseconds;
        int held = 0;
        foreach (PlannedArrival arrival in _arrivals)
        {
            tokens = Math.Min(burst, tokens + (arrival.Nanoseconds - last) * perNanosecond);
            last = arrival.Nanoseconds;
            if (tokens >= arrival.Units)
            {
                tokens -= arrival.Units;
                held++;
            }
        }

        return held / (double)_arrivals.Length;
    }

    // Nested classes hold a little less than each would alone, since a command needs room in all wider ones: widen those that fall short.
    private double[] Correct(List<NestedQosClassOptions> classes, IReadOnlyList<ClassTarget> targets)
    {
        for (int round = 0; ; round++)
        {
            double[] fractions = Classify(classes);
            int tooSmall = Enumerable.Range(0, classes.Count).FirstOrDefault(i => fractions[i] < targets[i].Fraction, -1);
            if (tooSmall < 0 || round == MaximumCorrections)
            {
                return fractions;
            }

            for (int i = tooSmall; i < classes.Count; i++)
            {
                classes[i] = classes[i] with { BurstUnits = Math.Ceiling(classes[i].BurstUnits * 1.02) };
            }
        }
    }

    /// <summary>Of all commands, the part in each class or a tighter one, as the scheduler itself tells them apart.</summary>
    private double[] Classify(List<NestedQosClassOptions> classes)
    {
        NestedQosTenant tenant = new(new NestedQosTenantOptions { Name = string.Empty, Classes = classes }, [], _arrivals[0].Nanoseconds);
        long[] counts = new long[classes.Count + 1];
        foreach (PlannedArrival arrival in _arrivals)
        {
            counts[tenant.Classify(arrival.Units, arrival.Nanoseconds)]++;
        }

        foreach (NestedQosClassStatistics statistics in tenant.Statistics)
        {
            statistics.Dispose();
        }

        long sum = 0;
        return [.. counts.Take(classes.Count).Select(count => (sum += count) / (double)_arrivals.Length)];
    }
}
