using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using PcieOe.Daemon.Configuration;
using PcieOe.FlashEndpoint.Timing;

namespace PcieOe.Target.Configuration;

/// <summary>How long the simulated flash takes: a profile, and what deviates from it (docs/flash-timing.md).</summary>
/// <param name="Parameters">Null: no time at all.</param>
internal sealed record TimingSettings(string Profile, FlashParameters? Parameters)
{
    public static TimingSettings Read(ConfigurationReader reader)
    {
        string profile = reader.Text("profile") ?? FlashProfiles.None;
        if (!FlashProfiles.TryGet(profile, out FlashParameters? parameters))
        {
            reader.Report("profile", $"is '{profile}', where one of these belongs: {string.Join(", ", FlashProfiles.Names)}.");
        }

        FlashParameters basis = parameters ?? new FlashParameters();
        FlashParameters result = ReadParameters(reader, basis);
        if (parameters is null && result != basis)
        {
            reader.Report(string.Empty, $"has values besides the profile '{FlashProfiles.None}', which takes no time: choose another profile to start from.");
        }

        if (parameters is not null)
        {
            Check(reader, result);
        }

        return new TimingSettings(profile, parameters is null ? null : result);
    }

    /// <summary>What a running model's parameters become by values named as in the configuration. False: nothing does; the problem says why.</summary>
    public static bool TryChange(FlashParameters current, JsonObject values, out FlashParameters changed, out string problem)
    {
        IConfigurationRoot section = new ConfigurationBuilder()
            .AddInMemoryCollection(values.Select(value => KeyValuePair.Create(value.Key, value.Value?.ToString()))).Build();
        ConfigurationReader reader = new(section);
        changed = ReadParameters(reader, current);
        Check(reader, changed);
        problem = string.Join(' ', reader.Finish());
        return problem.Length == 0;
    }

    /// <summary>Every parameter by its name in the configuration; sizes in bytes.</summary>
    public static JsonObject ToJson(FlashParameters parameters) => new()
    {
        ["channels"] = parameters.Channels,
        ["diesPerChannel"] = parameters.DiesPerChannel,
        ["planesPerDie"] = parameters.PlanesPerDie,
        ["independentPlaneReads"] = parameters.IndependentPlaneReads,
        ["page"] = parameters.PageBytes,
        ["pagesPerBlock"] = parameters.PagesPerBlock,
        ["bitsPerCell"] = parameters.BitsPerCell,
        ["readLsbMicroseconds"] = parameters.ReadLsbNanoseconds / 1000.0,
        ["readCsbMicroseconds"] = parameters.ReadCsbNanoseconds / 1000.0,
        ["readMsbMicroseconds"] = parameters.ReadMsbNanoseconds / 1000.0,
        ["programMicroseconds"] = parameters.ProgramNanoseconds / 1000.0,
        ["eraseMicroseconds"] = parameters.EraseNanoseconds / 1000.0,
        ["channelMegabytesPerSecond"] = parameters.ChannelMegabytesPerSecond,
        ["channelCommandMicroseconds"] = parameters.ChannelCommandNanoseconds / 1000.0,
        ["firmwareReadMicroseconds"] = parameters.FirmwareReadNanoseconds / 1000.0,
        ["firmwareWriteMicroseconds"] = parameters.FirmwareWriteNanoseconds / 1000.0,
        ["firmwareOccupancyMicroseconds"] = parameters.FirmwareOccupancyNanoseconds / 1000.0,
        ["writeBuffer"] = parameters.WriteBufferBytes,
        ["writeBufferIsPowerProtected"] = parameters.WriteBufferIsPowerProtected,
        ["cellJitterPercent"] = parameters.CellJitterPercent,
        ["readRetriesPerMillion"] = parameters.ReadRetriesPerMillion,
        ["readRetryMicroseconds"] = parameters.ReadRetryNanoseconds / 1000.0,
        ["seed"] = parameters.Seed,
    };

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"timing {Profile}");

    private static FlashParameters ReadParameters(ConfigurationReader reader, FlashParameters basis) =>
        basis with
        {
            Channels = Whole(reader, "channels", basis.Channels, 1, 256),
            DiesPerChannel = Whole(reader, "diesPerChannel", basis.DiesPerChannel, 1, 256),
            PlanesPerDie = Whole(reader, "planesPerDie", basis.PlanesPerDie, 1, 16),
            IndependentPlaneReads = reader.Flag("independentPlaneReads", basis.IndependentPlaneReads),
            PageBytes = (int)reader.Bytes("page", basis.PageBytes, 512, 1 << 20),
            PagesPerBlock = Whole(reader, "pagesPerBlock", basis.PagesPerBlock, 1, 1 << 20),
            BitsPerCell = Whole(reader, "bitsPerCell", basis.BitsPerCell, 1, 3),
            ReadLsbNanoseconds = Time(reader, "readLsbMicroseconds", basis.ReadLsbNanoseconds),
            ReadCsbNanoseconds = Time(reader, "readCsbMicroseconds", basis.ReadCsbNanoseconds),
            ReadMsbNanoseconds = Time(reader, "readMsbMicroseconds", basis.ReadMsbNanoseconds),
            ProgramNanoseconds = Time(reader, "programMicroseconds", basis.ProgramNanoseconds),
            EraseNanoseconds = Time(reader, "eraseMicroseconds", basis.EraseNanoseconds),
            ChannelMegabytesPerSecond = Whole(reader, "channelMegabytesPerSecond", basis.ChannelMegabytesPerSecond, 1, 1_000_000),
            ChannelCommandNanoseconds = Time(reader, "channelCommandMicroseconds", basis.ChannelCommandNanoseconds),
            FirmwareReadNanoseconds = Time(reader, "firmwareReadMicroseconds", basis.FirmwareReadNanoseconds),
            FirmwareWriteNanoseconds = Time(reader, "firmwareWriteMicroseconds", basis.FirmwareWriteNanoseconds),
            FirmwareOccupancyNanoseconds = Time(reader, "firmwareOccupancyMicroseconds", basis.FirmwareOccupancyNanoseconds),
            WriteBufferBytes = reader.Bytes("writeBuffer", basis.WriteBufferBytes, 0, 1L << 40),
            WriteBufferIsPowerProtected = reader.Flag("writeBufferIsPowerProtected", basis.WriteBufferIsPowerProtected),
            CellJitterPercent = Whole(reader, "cellJitterPercent", basis.CellJitterPercent, 0, 100),
            ReadRetriesPerMillion = Whole(reader, "readRetriesPerMillion", basis.ReadRetriesPerMillion, 0, 1_000_000),
            ReadRetryNanoseconds = Time(reader, "readRetryMicroseconds", basis.ReadRetryNanoseconds),
            Seed = (ulong)reader.Integer("seed", (long)basis.Seed, 0, long.MaxValue),
        };

    private static void Check(ConfigurationReader reader, FlashParameters parameters)
    {
        List<string> mistakes = [];
        parameters.Validate(mistakes);
        mistakes.ForEach(mistake => reader.Report(string.Empty, mistake));
    }

    private static int Whole(ConfigurationReader reader, string key, int otherwise, int minimum, int maximum) =>
        (int)reader.Integer(key, otherwise, minimum, maximum);

    private static long Time(ConfigurationReader reader, string key, long otherwiseNanoseconds) =>
        (long)Math.Round(reader.Number(key, otherwiseNanoseconds / 1000.0, 0, 1e7) * 1000);
}
