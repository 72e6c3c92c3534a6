using System.Globalization;
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
        FlashParameters result = basis with
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
        if (parameters is null && result != basis)
        {
            reader.Report(string.Empty, $"has values besides the profile '{FlashProfiles.None}', which takes no time: choose another profile to start from.");
        }

        List<string> mistakes = [];
        if (parameters is not null)
        {
            result.Validate(mistakes);
            mistakes.ForEach(mistake => reader.Report(string.Empty, mistake));
        }

        return new TimingSettings(profile, parameters is null ? null : result);
    }

    private static int Whole(ConfigurationReader reader, string key, int otherwise, int minimum, int maximum) =>
        (int)reader.Integer(key, otherwise, minimum, maximum);

    private static long Time(ConfigurationReader reader, string key, long otherwiseNanoseconds) =>
        (long)Math.Round(reader.Number(key, otherwiseNanoseconds / 1000.0, 0, 1e7) * 1000);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"timing {Profile}");
}
