namespace PcieOe.Daemon.Configuration;

/// <summary>Which commands are timed at every hop.</summary>
public sealed record HopSettings
{
    public const int DefaultSampleEvery = 16;
    public const int MaximumSampleEvery = 1_000_000;

    /// <summary>One command in so many; 1: all, 0: none.</summary>
    public int SampleEvery { get; init; } = DefaultSampleEvery;

    public static HopSettings Read(ConfigurationReader reader) => new()
    {
        SampleEvery = (int)reader.Integer("sampleEvery", DefaultSampleEvery, 0, MaximumSampleEvery),
    };
}
