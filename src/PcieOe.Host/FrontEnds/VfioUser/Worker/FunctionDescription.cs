using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Functions;

namespace PcieOe.Host.FrontEnds.VfioUser.Worker;

/// <summary>What clients are told about the function, taken once it is enumerated. Made by the worker, read by the socket's thread; it never changes.</summary>
internal sealed class FunctionDescription
{
    public const int ConfigurationSpaceBytes = 4096;

    public required IReadOnlyList<ulong> BarBytes { get; init; }

    public required int InterruptVectors { get; init; }

    /// <summary>The doorbells that clients may map; null: none.</summary>
    public required DoorbellPages? Doorbells { get; init; }

    /// <summary>The function's write-only registers, whether they can be mapped or not.</summary>
    public required IReadOnlyList<WriteOnlyRegisters> WriteOnlyRegisters { get; init; }

    /// <summary>Whether a write is a doorbell.</summary>
    public bool IsDoorbell(int region, ulong offset)
    {
        for (int i = 0; i < WriteOnlyRegisters.Count; i++)
        {
            WriteOnlyRegisters range = WriteOnlyRegisters[i];
            if (range.Bar == region && offset - range.OffsetBytes < (ulong)range.Count * range.StrideBytes)
            {
                return true;
            }
        }

        return false;
    }

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
            WriteOnlyRegisters = function.Hints.WriteOnlyRegisters,
            Doorbells = mapsDoorbells ? DoorbellPages.TryCreate(function) : null,
        };
    }
}
