using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>
/// How the controller memory buffer is divided (NVMe 1.4, section 4.7): submission queues first, then lists, then places for the data of
/// writes. What does not fit stays in host memory.
/// </summary>
internal sealed class ControllerMemory
{
    /// <summary>Where commands see it (CMBMSC.CBA): far above the pool, as the two must not overlap.</summary>
    public const ulong CommandBase = 1UL << 40;

    private int[] _freeData = [];
    private int _freeDataCount;
    private int _bar;
    private ulong _regionBase;
    private ulong _next;
    private ulong _end;
    private ulong _dataStart;

    public bool Exists => _end != 0;

    public bool TakesSubmissionQueues { get; private set; }

    /// <summary>Bytes of a place for write data; 0 if there is none.</summary>
    public int DataPlaceBytes { get; private set; }

    /// <summary>Forgets everything: the controller is being reset.</summary>
    public void Clear()
    {
        _end = _next = 0;
        _freeDataCount = 0;
        DataPlaceBytes = 0;
        TakesSubmissionQueues = false;
    }

    /// <summary>Takes what the registers say. A buffer that its BAR cannot hold counts as none.</summary>
    public void Configure(IRemoteFunction function, MemoryBufferLocation location, MemoryBufferSize size, NvmeDriverOptions options)
    {
        Clear();
        ulong bytes = (ulong)size.Bytes;
        ulong offset = location.OffsetUnits * (ulong)size.UnitBytes;
        ulong barBytes = function.GetBar(location.Bar).Size;
        if (bytes == 0 || offset > barBytes || bytes > barBytes - offset)
        {
            return;
        }

        _bar = location.Bar;
        _regionBase = offset;
        _end = bytes;
        TakesSubmissionQueues = size.SubmissionQueues && options.SubmissionQueuesInControllerMemory;
        DataPlaceBytes = size.WriteData ? RoundUp(options.WriteDataInControllerMemoryBytes) : 0;
    }

    /// <summary>Takes a page-aligned piece.</summary>
    public bool TryTake(int bytes, out RegionPlace place)
    {
        int rounded = RoundUp(bytes);
        place = default;
        if ((ulong)rounded > _end - _next)
        {
            return false;
        }

        place = At(_next);
        _next += (ulong)rounded;
        return true;
    }

    /// <summary>Gives what is left to the data of writes, at most <paramref name="maximumPlaces"/> at a time.</summary>
    public void DivideRest(int maximumPlaces)
    {
        _dataStart = _next;
        int places = DataPlaceBytes == 0 ? 0 : (int)Math.Min((ulong)maximumPlaces, (_end - _next) / (ulong)DataPlaceBytes);
        DataPlaceBytes = places == 0 ? 0 : DataPlaceBytes;
        _freeData = _freeData.Length >= places ? _freeData : new int[places];
        _freeDataCount = 0;
        for (int place = places - 1; place >= 0; place--)
        {
            _freeData[_freeDataCount++] = place;
        }
    }

    public bool TryTakeData(out int index)
    {
        index = _freeDataCount > 0 ? _freeData[--_freeDataCount] : -1;
        return index >= 0;
    }

    public void ReturnData(int index) => _freeData[_freeDataCount++] = index;

    public RegionPlace DataPlace(int index) => At(_dataStart + (ulong)index * (ulong)DataPlaceBytes);

    private RegionPlace At(ulong offset) => new(_bar, _regionBase + offset, CommandBase + offset);

    private static int RoundUp(int bytes) => (bytes + DmaPool.PageBytes - 1) & -DmaPool.PageBytes;
}
