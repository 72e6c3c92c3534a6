namespace PcieOe.FlashEndpoint.Dma;

/// <summary>
/// Buffers for data on its way between host and medium. The one given back last is handed out first, so memory is touched only
/// for as many as are really in use at a time.
/// </summary>
internal sealed unsafe class StagingBuffers : IDisposable
{
    private readonly NativeRegion _memory;
    private readonly long _bufferBytes;
    private readonly int[] _free;

    public StagingBuffers(int count, long bufferBytes)
    {
        _memory = new NativeRegion(count * bufferBytes);
        _bufferBytes = bufferBytes;
        _free = new int[count];
        for (int i = 0; i < count; i++)
        {
            _free[i] = count - 1 - i;
        }

        Available = count;
    }

    public int Available { get; private set; }

    /// <summary>False: all are out.</summary>
    public bool TryRent(out int buffer)
    {
        if (Available == 0)
        {
            buffer = -1;
            return false;
        }

        buffer = _free[--Available];
        return true;
    }

    public void Return(int buffer) => _free[Available++] = buffer;

    public byte* this[int buffer] => _memory.Start + buffer * _bufferBytes;

    public void Dispose() => _memory.Dispose();
}
