namespace PcieOe.FlashEndpoint.Timing;

/// <summary>Where a page lies in the flash.</summary>
/// <param name="Channel">0 to channels - 1.</param>
/// <param name="Die">Counted over all channels: 0 to channels x dies - 1.</param>
/// <param name="Plane">Within the die.</param>
/// <param name="Bit">Which bit of the word line's cells the page is: 0 least significant.</param>
public readonly record struct FlashAddress(int Channel, int Die, int Plane, int Bit);

/// <summary>
/// The flash translation layer as the timing model sees it: which die a logical page is read from, and which it is written to.
/// One thread; neither call allocates.
/// </summary>
public interface IFlashMapping
{
    /// <summary>Where the current content of a logical page lies.</summary>
    FlashAddress Locate(long logicalPage);

    /// <summary>Takes a place for new content of a logical page; from now on Locate answers it.</summary>
    FlashAddress Place(long logicalPage);
}
