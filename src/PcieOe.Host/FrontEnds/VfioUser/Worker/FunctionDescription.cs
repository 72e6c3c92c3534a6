using PcieOe.Host.RootComplex;

namespace PcieOe.Host.FrontEnds.VfioUser.Worker;

/// <summary>What clients are told about the function, taken once it is enumerated. Made by the worker, read by the socket's thread; it never changes.</summary>
internal sealed class FunctionDescription
{
    public const int ConfigurationSpaceBytes = 4096;

    public required IReadOnlyList<ulong> BarBytes { get; init; }

    public required int InterruptVectors { get; init; }

    /// <summary>The doorbells that clients may map; null: none.</summary>
    public required DoorbellPages? Doorbells { get; init; }

    /// <summary>How many vectors a kind of interrupt has.</summary>
    public int InterruptCount(int index) => index switch
    {
        Wire.InterruptIndex.MessageSignalledExtended => InterruptVectors,
        Wire.InterruptIndex.Error or Wire.InterruptIndex.Request => 1,
        _ => 0,
    };

    /// <summary>How long a region is; 0 where there is none.</summary>
    public ulong RegionBytes(int region) => region switch
    {
        >= 0 and <= Wire.RegionIndex.LastBar => BarBytes[region],
        Wire.RegionIndex.Configuration => ConfigurationSpaceBytes,
        _ => 0,
    };

    public static FunctionDescription Create(IRemoteFunction function, bool mapsDoorbells)
    {
        ulong[] bars = new ulong[Wire.RegionIndex.LastBar + 1];
        for (int bar = 0; bar < bars.Length; bar++)
        {
            bars[bar] = function.GetBar(bar).Size;
        }

        return new FunctionDescription
        {
            BarBytes = bars,
            InterruptVectors = function.InterruptVectors,
            Doorbells = mapsDoorbells ? DoorbellPages.TryCreate(function) : null,
        };
    }
}
